#include "background_thread.h"

#include <system_error>
#include <utility>

namespace interrogator::binding {

bool BackgroundThread::post(Task task) {
  const std::lock_guard lock(mutex_);
  if (closing_) return false;
  try {
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return false;
  }
  waiting_.push_back(std::move(task));
  wake_.notify_one();
  return true;
}

void BackgroundThread::close() {
  std::deque<Task> dropped;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    dropped.swap(waiting_);
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void BackgroundThread::run() {
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
      if (closing_) return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task();
  }
}

}  // namespace interrogator::binding
