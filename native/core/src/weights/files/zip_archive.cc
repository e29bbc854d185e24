#include "weights/files/zip_archive.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "weights/files/fault.h"

namespace interrogator {

namespace {

// The format's own sizes, signatures and limits (PKWARE's APPNOTE 6.3, sections 4.3 to 4.5).
constexpr std::size_t kLocalHeader = 30, kDirectoryEntry = 46, kEnd = 22, kEnd64 = 56, kLocator64 = 20, kLongestComment = 0xFFFF;
constexpr std::uint32_t kLocalSignature = 0x04034B50, kEntrySignature = 0x02014B50, kEndSignature = 0x06054B50;
constexpr std::uint32_t kEnd64Signature = 0x06064B50, kLocator64Signature = 0x07064B50;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;  // the number is in a 64-bit field elsewhere
constexpr std::uint16_t kField64 = 0x0001, kEncrypted = 0x0001;
constexpr std::size_t kLargestDirectory = std::size_t{32} << 20, kLongestName = 1000;

/// A little-endian number of `width` bytes. What is read has been checked to be there.
std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}
std::uint16_t number16(std::string_view bytes, std::size_t at) { return static_cast<std::uint16_t>(number(bytes, at, 2)); }
std::uint32_t number32(std::string_view bytes, std::size_t at) { return static_cast<std::uint32_t>(number(bytes, at, 4)); }

std::string read(const InputFile& file, std::uint64_t offset, std::size_t size) {
  if (offset > file.size() || size > file.size() - offset) refuse("its zip directory points beyond its end: it is damaged or cut short");
  std::string bytes(size, '\0');
  if (!file.read(offset, std::as_writable_bytes(std::span(bytes)))) refuse("it was cut short while it was read");
  return bytes;
}

/// Where the directory lies.
ByteRange find_directory(const InputFile& file) {
  const std::size_t size = std::min(file.size(), kEnd + kLongestComment);
  const std::string tail = read(file, file.size() - size, size);
  // From the end, where it is when the archive has no comment.
  for (std::size_t at = size < kEnd ? 0 : size - kEnd + 1; at-- > 0;) {
    if (number32(tail, at) != kEndSignature || at + kEnd + number16(tail, at + 20) != size) continue;
    const ByteRange directory{number32(tail, at + 16), number32(tail, at + 12)};
    if (directory.offset != kIn64 && directory.size != kIn64 && number16(tail, at + 10) != 0xFFFF) return directory;
    const std::uint64_t end = file.size() - size + at;
    if (end < kLocator64) break;
    const std::string locator = read(file, end - kLocator64, kLocator64);
    if (number32(locator, 0) != kLocator64Signature) return directory;
    const std::string end64 = read(file, number(locator, 8, 8), kEnd64);
    if (number32(end64, 0) != kEnd64Signature) break;
    return {number(end64, 48, 8), number(end64, 40, 8)};
  }
  refuse("it is cut short: it begins as a zip archive and has no directory at its end");
}

/// The 64-bit numbers of an entry, in the order of the 32-bit ones that are not there.
void read_field64(std::string_view extra, std::initializer_list<std::uint64_t*> numbers) {
  while (extra.size() >= 4) {
    const std::size_t size = number16(extra, 2);
    if (size > extra.size() - 4) break;
    if (number16(extra, 0) != kField64) {
      extra.remove_prefix(4 + size);
      continue;
    }
    std::string_view field = extra.substr(4, size);
    for (std::uint64_t* const each : numbers) {
      if (*each != kIn64) continue;
      if (field.size() < 8) break;
      *each = number(field, 0, 8);
      field.remove_prefix(8);
    }
    return;
  }
}

}  // namespace

ZipArchive::ZipArchive(std::shared_ptr<const InputFile> file) : file_(std::move(file)) {
  const ByteRange directory = find_directory(*file_);
  end_ = directory.offset;
  read_directory(directory);
}

void ZipArchive::read_directory(const ByteRange& directory) {
  if (directory.size > kLargestDirectory) refuse("its zip directory of " + std::to_string(directory.size) + " bytes is too large");
  const std::string bytes = read(*file_, directory.offset, static_cast<std::size_t>(directory.size));
  std::string_view left = bytes;
  while (left.size() >= kDirectoryEntry && number32(left, 0) == kEntrySignature) {
    const std::size_t name = number16(left, 28), extra = number16(left, 30), comment = number16(left, 32);
    if (name + extra + comment > left.size() - kDirectoryEntry) break;
    if (name > kLongestName) {
      refuse("its zip directory has a name of " + std::to_string(name) + " bytes, expected at most " + std::to_string(kLongestName));
    }
    Entry entry{number32(left, 42), number32(left, 24), number32(left, 20), number16(left, 10), number16(left, 8)};
    read_field64(left.substr(kDirectoryEntry + name, extra), {&entry.size, &entry.stored_size, &entry.header});
    if (!entries_.emplace(left.substr(kDirectoryEntry, name), entry).second) {
      refuse("its zip directory names " + in_quotes(left.substr(kDirectoryEntry, name)) + " twice");
    }
    left.remove_prefix(kDirectoryEntry + name + extra + comment);
  }
  if (!left.empty()) refuse("its zip directory is damaged");
}

bool ZipArchive::has_below(const std::string& folder) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first.starts_with(folder); });
}

std::optional<std::string> ZipArchive::folder_with(const std::string& name) const {
  std::optional<std::string> folder;
  for (const auto& [path, entry] : entries_) {
    const std::size_t slash = path.find('/');
    if (slash == std::string::npos || path.compare(slash + 1, std::string::npos, name) != 0) continue;
    if (folder) refuse("it is several archives in one: it has " + in_quotes(*folder + '/' + name) + " and " + in_quotes(path));
    folder = path.substr(0, slash);
  }
  return folder;
}

std::optional<ByteRange> ZipArchive::find(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = found->second;
  if (entry.method != 0 || entry.flags & kEncrypted || entry.size != entry.stored_size) {
    refuse("its " + in_quotes(name) + " is compressed or encrypted, which PyTorch never does; save the weights again with torch.save");
  }
  const std::string header = read(*file_, entry.header, kLocalHeader);
  if (number32(header, 0) != kLocalSignature) refuse("its " + in_quotes(name) + " is not where its zip directory says");
  const ByteRange range{entry.header + kLocalHeader + number16(header, 26) + number16(header, 28), entry.size};
  if (range.offset > end_ || range.size > end_ - range.offset) refuse("its " + in_quotes(name) + " ends beyond the end of the file's data");
  return range;
}

}  // namespace interrogator
