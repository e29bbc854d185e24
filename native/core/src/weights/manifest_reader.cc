#include "weights/manifest_reader.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <utility>

#include "interrogator/bundle.h"
#include "weights/sha256.h"

namespace interrogator {

namespace {

constexpr std::uintmax_t kLargestManifest = std::uintmax_t{16} << 20;

/// Relative, `/` between parts, and never up: what a manifest may name. Drive letters and backslashes
/// would leave the folder on Windows.
bool stays_in_folder(const std::string& path) {
  if (path.empty() || path.find_first_of("\\:") != std::string::npos || path.find('\0') != std::string::npos) return false;
  std::size_t start = 0;
  for (;;) {
    const std::size_t end = path.find('/', start);
    const std::string part = path.substr(start, end == std::string::npos ? end : end - start);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == std::string::npos) return true;
    start = end + 1;
  }
}

bool is_sha256(const std::string& text) { return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos; }

std::string in_quotes(const std::string& text) { return '\'' + text + '\''; }

}  // namespace

ManifestReader::ManifestReader(std::filesystem::path folder, std::string kind)
    : folder_(std::move(folder)), path_(folder_ / "manifest.json"), kind_(std::move(kind)) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder_, error)) {
    throw Error(ErrorCode::kBundleNotFound, "there is no bundle folder " + folder_.string() + remedy());
  }
  if (!std::filesystem::is_regular_file(path_, error)) {
    throw Error(ErrorCode::kBundleNotFound, folder_.string() + " holds no manifest.json, so it is no bundle" + remedy());
  }
  const std::uintmax_t bytes = std::filesystem::file_size(path_, error);
  if (error) throw Error(ErrorCode::kIo, "cannot read " + path_.string() + ": " + error.message());
  if (bytes > kLargestManifest) fail(ErrorCode::kBundleInvalid, "is " + std::to_string(bytes) + " bytes long, which no manifest is");

  std::ifstream stream(path_, std::ios::binary);
  const std::string json{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream || stream.bad()) throw Error(ErrorCode::kIo, "cannot read " + path_.string());
  try {
    manifest_ = Json::parse(json);
  } catch (const JsonError& wrong) {
    fail(ErrorCode::kBundleInvalid, std::string("is no readable JSON: ") + wrong.what());
  }
  if (!manifest_.object()) fail(ErrorCode::kBundleInvalid, "holds " + manifest_.describe() + " in place of an object");

  // First of all: a newer format may mean anything by the other fields.
  std::int64_t version = 0;
  const Json* const found = manifest_.find("formatVersion");
  if (!found || !found->integer(version) || version < 1) invalid("formatVersion", "an integer of 1 or more");
  if (version > kBundleFormatVersion) {
    throw Error(ErrorCode::kBundleVersion, path_.string() + " has formatVersion " + std::to_string(version) +
                                               ", this package reads up to " + std::to_string(kBundleFormatVersion) +
                                               "; update torch-interrogator, or export the model again with this version");
  }
  if (const Json* const name = manifest_.find("name"); name && name->string()) name_ = *name->string();
  const std::string found_kind = one_of("kind", {"clip", "caption"});
  if (found_kind != kind_) {
    throw Error(ErrorCode::kBundleKind, folder_.string() + " is a " + in_quotes(found_kind) + " bundle where a " + in_quotes(kind_) +
                                            " one is needed; give the folder of a " + kind_ + " bundle");
  }
  name_ = text("name");
}

const Json* ManifestReader::find(const std::string& field) const {
  const Json* at = &manifest_;
  for (std::size_t start = 0; at;) {
    const std::size_t end = field.find('.', start);
    at = at->find(std::string_view(field).substr(start, end == std::string::npos ? end : end - start));
    if (end == std::string::npos) break;
    start = end + 1;
  }
  return at;
}

std::string ManifestReader::remedy() const {
  return "; export it again: torch-interrogator export " + kind_ + ' ' + (name_.empty() ? "NAME" : name_) + " --out " + folder_.string();
}

void ManifestReader::fail(ErrorCode code, const std::string& what) const { throw Error(code, path_.string() + ' ' + what + remedy()); }

void ManifestReader::invalid(const std::string& field, const std::string& expected) const {
  const Json* const found = find(field);
  fail(ErrorCode::kBundleInvalid, found ? "has " + in_quotes(field) + " = " + found->describe() + ", expected " + expected
                                        : "lacks " + in_quotes(field) + ", expected " + expected);
}

std::string ManifestReader::text(const std::string& field) const {
  const Json* const found = find(field);
  if (!found || !found->string() || found->string()->empty()) invalid(field, "a text");
  return *found->string();
}

std::string ManifestReader::one_of(const std::string& field, const std::vector<std::string>& choices) const {
  const Json* const found = find(field);
  if (found && found->string() && std::find(choices.begin(), choices.end(), *found->string()) != choices.end()) return *found->string();
  std::string expected;
  for (const std::string& choice : choices) expected += (expected.empty() ? "" : " or ") + in_quotes(choice);
  invalid(field, expected);
}

std::int64_t ManifestReader::integer(const std::string& field, std::int64_t least, std::int64_t most) const {
  std::int64_t value = 0;
  const Json* const found = find(field);
  if (!found || !found->integer(value) || value < least || value > most) {
    invalid(field, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

std::vector<double> ManifestReader::numbers(const std::string& field, std::size_t count) const {
  const std::string expected = std::to_string(count) + " numbers";
  const Json* const found = find(field);
  if (!found || !found->array() || found->array()->size() != count) invalid(field, expected);
  std::vector<double> values;
  for (const Json& item : *found->array()) {
    if (!item.number()) invalid(field, expected);
    values.push_back(*item.number());
  }
  return values;
}

std::vector<std::int64_t> ManifestReader::integers(const std::string& field, std::int64_t least, std::int64_t most) const {
  const std::string expected = "a list of integers from " + std::to_string(least) + " to " + std::to_string(most);
  const Json* const found = find(field);
  if (!found || !found->array()) invalid(field, expected);
  std::vector<std::int64_t> values;
  for (const Json& item : *found->array()) {
    std::int64_t value = 0;
    if (!item.integer(value) || value < least || value > most) invalid(field, expected);
    values.push_back(value);
  }
  return values;
}

std::string ManifestReader::listed_file(const std::string& field) const {
  std::string file = text(field);
  const Json* const files = manifest_.find("files");
  if (!files || !files->find(file)) invalid(field, "a file that 'files' lists");
  return file;
}

void ManifestReader::check_files(bool verify_hashes) const {
  const Json* const files = manifest_.find("files");
  if (!files || !files->object()) invalid("files", "an object of file names");
  for (const auto& [name, entry] : *files->object()) {
    if (!stays_in_folder(name))
      fail(ErrorCode::kBundleInvalid, "lists the file " + in_quotes(name) + ", which is not a path inside the bundle");

    std::int64_t bytes = 0;
    const Json* const size = entry.find("bytes");
    const Json* const hash = entry.find("sha256");
    if (!size || !size->integer(bytes) || bytes < 0 || !hash || !hash->string() || !is_sha256(*hash->string())) {
      fail(ErrorCode::kBundleInvalid, "gives the file " + in_quotes(name) + " no {bytes, sha256}");
    }

    const std::filesystem::path path = folder_ / name;
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
      throw Error(ErrorCode::kBundleIncomplete, "the bundle's file " + path.string() + " is missing" + remedy());
    }
    if (!verify_hashes) continue;
    const std::uintmax_t found = std::filesystem::file_size(path, error);
    if (error) throw Error(ErrorCode::kIo, "cannot read " + path.string() + ": " + error.message());
    if (found != static_cast<std::uintmax_t>(bytes)) {
      throw Error(ErrorCode::kBundleDamaged, "the bundle's file " + path.string() + " has " + std::to_string(found) +
                                                 " bytes, its manifest says " + std::to_string(bytes) + remedy());
    }
    const std::string digest = sha256_of_file(path);
    if (digest != *hash->string()) {
      throw Error(ErrorCode::kBundleDamaged, "the bundle's file " + path.string() + " is damaged: its SHA-256 is " + digest +
                                                 ", its manifest says " + *hash->string() + remedy());
    }
  }
}

}  // namespace interrogator
