#include "platform/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <utility>

#include "interrogator/error.h"

namespace interrogator {

namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorCode::kIo, std::string("cannot ") + what + ' ' + path.string() + ": " + why);
}

/// Unlike any other writer's: of this process, of another, of another machine on a shared disk.
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  static std::atomic<unsigned> count{0};
  std::random_device random;
  std::filesystem::path name = path;
  name += '.' + std::to_string(random()) + std::to_string(count++) + ".tmp";
  return name;
}

void write_parts(const std::filesystem::path& path, std::initializer_list<std::span<const std::byte>> parts) {
  std::FILE* const file = std::fopen(path.c_str(), "wbx");
  if (!file) fail("write", path, std::strerror(errno));
  bool written = true;
  for (const auto part : parts) written = written && std::fwrite(part.data(), 1, part.size(), file) == part.size();
  written = written && std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
  const int error = errno;
  const bool closed = std::fclose(file) == 0;
  if (!written || !closed) fail("write", path, std::strerror(written ? errno : error));
}

}  // namespace

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  // Not blocking: a pipe without a writer would keep the thread for ever.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail("read", path_, std::strerror(errno));
  struct stat status{};
  const int error = ::fstat(descriptor_, &status) == 0 ? 0 : errno;
  if (error == 0 && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::size_t>(status.st_size);
    return;
  }
  ::close(descriptor_);
  fail("read", path_, error ? std::strerror(error) : "it is no regular file");
}

InputFile::~InputFile() { ::close(descriptor_); }

bool InputFile::read(std::size_t offset, std::span<std::byte> bytes) const {
  constexpr std::size_t kBlock = std::size_t{64} << 20;  // systems take at most about 2 GB a call
  while (!bytes.empty()) {
    const ssize_t count = ::pread(descriptor_, bytes.data(), std::min(bytes.size(), kBlock), static_cast<off_t>(offset));
    if (count == 0) return false;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read", path_, std::strerror(errno));
    offset += static_cast<std::size_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

void write_file_atomically(const std::filesystem::path& path, std::initializer_list<std::span<const std::byte>> parts) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (error) fail("make the folder", path.parent_path(), error.message());
  const std::filesystem::path temporary = temporary_name(path);
  try {
    write_parts(temporary, parts);
    std::filesystem::rename(temporary, path, error);
    if (error) fail("write", path, error.message());
  } catch (...) {
    std::filesystem::remove(temporary, error);
    throw;
  }
}

}  // namespace interrogator
