// SHA-256 (FIPS 180-4), with the processor's own instructions where it has them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace interrogator {

class Sha256 {
 public:
  enum class Kernel { kPlain, kShaNi };
  static Kernel best_kernel() noexcept;

  explicit Sha256(Kernel kernel = best_kernel()) noexcept : kernel_(kernel) {}

  void update(const void* data, std::size_t size) noexcept;
  /// 64 lower-case hexadecimal digits. Once.
  std::string hex_digest() noexcept;

 private:
  void compress(const std::uint8_t* blocks, std::size_t count) noexcept;

  Kernel kernel_;
  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> pending_{};
  std::size_t pending_size_ = 0;
  std::uint64_t total_ = 0;
};

/// The digest of a file's bytes. Throws Error(kIo).
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace interrogator
