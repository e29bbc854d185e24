// A thread of ours for what may wait on files, on a device or on freeing much memory. libuv's pool stays the user's.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace interrogator::binding {

/// Runs tasks one after another. The thread starts with the first task. Tasks must not throw.
class BackgroundThread {
 public:
  using Task = std::function<void()>;

  BackgroundThread() = default;
  ~BackgroundThread() { close(); }
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

  /// Takes the task. Returns false after close() and where the process may start no more threads: the task is then destroyed here.
  bool post(Task task);
  /// Waits for the running task and drops the waiting ones. Idempotent.
  void close();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> waiting_;
  std::thread thread_;
  bool closing_ = false;
};

}  // namespace interrogator::binding
