#include "weights/mapped_file.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>

#include "interrogator/error.h"

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <io.h>
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

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

#ifdef _WIN32

struct Handle {
  HANDLE value;
  ~Handle() {
    if (value && value != INVALID_HANDLE_VALUE) CloseHandle(value);
  }
};

std::span<const std::byte> map(const std::filesystem::path& path) {
  const auto error = [] { return "error " + std::to_string(GetLastError()); };
  const Handle file{CreateFileW(path.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING, 0, nullptr)};
  if (file.value == INVALID_HANDLE_VALUE) fail("read", path, error());
  LARGE_INTEGER size;
  if (!GetFileSizeEx(file.value, &size)) fail("read", path, error());
  if (size.QuadPart == 0) return {};
  const Handle mapping{CreateFileMappingW(file.value, nullptr, PAGE_READONLY, 0, 0, nullptr)};
  const void* const data = mapping.value ? MapViewOfFile(mapping.value, FILE_MAP_READ, 0, 0, 0) : nullptr;
  if (!data) fail("map", path, error());
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size.QuadPart)};
}

void unmap(std::span<const std::byte> bytes) { UnmapViewOfFile(bytes.data()); }
bool flush_to_disk(std::FILE* file) { return _commit(_fileno(file)) == 0; }

#else

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

std::span<const std::byte> map(const std::filesystem::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.value < 0) fail("read", path, std::strerror(errno));
  struct stat status{};
  if (::fstat(file.value, &status) != 0) fail("read", path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("read", path, "it is no regular file");
  if (status.st_size == 0) return {};
  void* const data = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file.value, 0);
  if (data == MAP_FAILED) fail("map", path, std::strerror(errno));
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(status.st_size)};
}

void unmap(std::span<const std::byte> bytes) { ::munmap(const_cast<std::byte*>(bytes.data()), bytes.size()); }
bool flush_to_disk(std::FILE* file) { return ::fsync(::fileno(file)) == 0; }

#endif

void write_parts(const std::filesystem::path& path, std::initializer_list<std::span<const std::byte>> parts) {
  std::FILE* const file = std::fopen(path.string().c_str(), "wbx");
  if (!file) fail("write", path, std::strerror(errno));
  bool written = true;
  for (const auto part : parts) written = written && std::fwrite(part.data(), 1, part.size(), file) == part.size();
  written = written && std::fflush(file) == 0 && flush_to_disk(file);
  const int error = errno;
  const bool closed = std::fclose(file) == 0;
  if (!written || !closed) fail("write", path, std::strerror(written ? errno : error));
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  return std::shared_ptr<const MappedFile>(new MappedFile(map(path)));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) unmap(bytes_);
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
