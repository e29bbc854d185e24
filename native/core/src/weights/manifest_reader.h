// A bundle's manifest.json, field by field, with errors that name the field and the remedy.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "interrogator/error.h"
#include "weights/json.h"

namespace interrogator {

class ManifestReader {
 public:
  /// Reads `folder`/manifest.json and checks format version, then kind ('clip' | 'caption').
  /// Throws kBundleNotFound, kBundleInvalid, kBundleVersion, kBundleKind.
  ManifestReader(std::filesystem::path folder, std::string kind);

  /// Fields by dotted path, `image.size`. All throw kBundleInvalid where the field is missing or of
  /// another type or range.
  std::string text(const std::string& field) const;
  std::string one_of(const std::string& field, const std::vector<std::string>& choices) const;
  std::int64_t integer(const std::string& field, std::int64_t least, std::int64_t most) const;
  std::vector<double> numbers(const std::string& field, std::size_t count) const;
  std::vector<std::int64_t> integers(const std::string& field, std::int64_t least, std::int64_t most) const;
  /// The name of a file that `files` lists.
  std::string listed_file(const std::string& field) const;

  /// That every listed file is inside the folder and there; with verify_hashes its size and SHA-256.
  /// Throws kBundleInvalid, kBundleIncomplete, kBundleDamaged, kIo.
  void check_files(bool verify_hashes) const;

  [[noreturn]] void invalid(const std::string& field, const std::string& expected) const;

 private:
  const Json* find(const std::string& field) const;
  /// "; export it again: torch-interrogator export clip NAME --out FOLDER"
  std::string remedy() const;
  [[noreturn]] void fail(ErrorCode code, const std::string& what) const;

  std::filesystem::path folder_, path_;
  std::string kind_, name_;
  Json manifest_;
};

}  // namespace interrogator
