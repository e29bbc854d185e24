#include "interrogator/label_matrix.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <span>
#include <utility>

#include "interrogator/error.h"
#include "ops/cosine_top_k.h"
#include "ops/cuda/cosine_top_k.h"
#include "platform/file.h"
#include "platform/memory.h"
#include "queue/merged_job.h"
#include "weights/safetensors.h"

namespace interrogator {

namespace {

constexpr std::size_t kHashSize = 64;
/// How far from 1 a row's length may be. A tower that normalises in bfloat16 rounds the length and each quotient to 8 bits, which
/// moves the length by at most 2^-8; in float16, as the reference does on a GPU, and for the float16 of the file it is less.
/// Twice that, so that no sound row is refused.
constexpr float kUnitTolerance = 1.0F / 128;

/// Throws std::runtime_error where the file holds no hash, or is cut short.
std::string read_hash(const InputFile& file, const SafeTensor& tensor) {
  std::string hash(std::min(tensor.bytes, kHashSize + 1), ' ');
  const bool whole = file.read(tensor.offset, std::as_writable_bytes(std::span(hash)));
  if (!whole || hash.size() != kHashSize || hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw std::runtime_error("its 'hash' is no SHA-256 in hexadecimal digits");
  }
  return hash;
}

/// The embeddings in memory of ours, so that they stay what they were whoever writes to the file. Throws std::runtime_error.
at::Tensor read_rows(const InputFile& file, const SafeTensor& tensor) {
  // Not in huge pages: to get them takes longer than to read the file, and ranking is no faster with them.
  at::Tensor rows = empty_in_mapping(tensor.shape, at::kHalf);
  if (!file.read(tensor.offset, {static_cast<std::byte*>(rows.mutable_data_ptr()), tensor.bytes})) {
    throw std::runtime_error("it was cut short while it was read");
  }
  const std::vector<float> squares = ops::squared_lengths(rows);
  for (std::size_t row = 0; row < squares.size(); ++row) {
    const float length = std::sqrt(squares[row]);
    if (std::abs(length - 1) <= kUnitTolerance) continue;  // never, where it is not a number
    throw std::runtime_error(
        "row " + std::to_string(row) + " of its 'embeds' " +
        (std::isfinite(length) ? "has the length " + std::to_string(length) + " in place of 1" : "holds a number that is not finite"));
  }
  return rows;
}

at::Tensor to_half_rows(const Features& features) { return features.tensor().to(at::kHalf).cpu().contiguous(); }

}  // namespace

struct LabelMatrix::State {
  /// The rows on `device`, there for every stream of it. A copy is made when first asked for and kept: 163 MB for 106,000 labels of 768
  /// dimensions. Any thread.
  at::Tensor on(c10::Device device) {
    if (device.is_cpu()) return values;
    const std::lock_guard lock(mutex);
    at::Tensor& copy = copies[device.index()];
    // A copy from memory that is not pinned is waited for, so that other queues' streams may read it.
    if (!copy.defined()) copy = values.to(device);
    return copy;
  }

  const at::Tensor values;  ///< float16 [rows, dim], on the CPU
  const std::string hash;
  std::mutex mutex;
  std::map<c10::DeviceIndex, at::Tensor> copies;
};

LabelMatrix::LabelMatrix(std::unique_ptr<State> state) : state_(std::move(state)) {}
LabelMatrix::~LabelMatrix() = default;

std::shared_ptr<LabelMatrix> LabelMatrix::open(const std::filesystem::path& path, const std::string& expected_hash,
                                               std::int64_t expected_dim) {
  const InputFile file(path);
  const auto read = [&] {
    const SafeTensors tensors(file);
    const SafeTensor embeds = tensors.find("embeds", "F16", 2, 2);
    std::string hash = read_hash(file, tensors.find("hash", "I8", 1, 1));
    const std::int64_t dim = embeds.shape[1];
    if (dim < 1) throw std::runtime_error("its 'embeds' have no dimensions");
    if (!expected_hash.empty() && hash != expected_hash) {
      throw Error(ErrorCode::kLabelsMismatch, path.string() + " was built for other labels (hash " + hash + ", expected " + expected_hash +
                                                  "); it has to be built again");
    }
    if (expected_dim > 0 && dim != expected_dim) {
      throw Error(ErrorCode::kLabelsMismatch, path.string() + " holds embeddings of " + std::to_string(dim) +
                                                  " dimensions, the model has " + std::to_string(expected_dim) +
                                                  "; it has to be built again");
    }
    return std::make_unique<State>(read_rows(file, embeds), std::move(hash));
  };
  return std::shared_ptr<LabelMatrix>(new LabelMatrix(explained(ErrorCode::kLabelsDamaged, read, [&](const std::string& wrong) {
    return path.string() + " is no sound label cache: " + wrong + "; delete it, it will be built again";
  })));
}

std::shared_ptr<LabelMatrix> LabelMatrix::from_features(const Features& features, const std::string& hash) {
  return std::shared_ptr<LabelMatrix>(new LabelMatrix(std::make_unique<State>(to_half_rows(features), hash)));
}

std::shared_ptr<LabelMatrix> LabelMatrix::join(const std::vector<std::shared_ptr<LabelMatrix>>& parts,
                                               const std::vector<std::int32_t>& order, const std::string& hash) {
  if (parts.empty()) throw Error(ErrorCode::kInvalidArgument, "there are no parts to join");
  const std::int64_t dim = parts.front()->dim();
  std::int64_t rows = 0;
  for (const auto& part : parts) {
    if (part->dim() != dim) {
      throw Error(ErrorCode::kInvalidArgument, "parts of " + std::to_string(dim) + " and of " + std::to_string(part->dim()) +
                                                   " dimensions cannot be joined; all must come from one model");
    }
    rows += part->rows();
  }
  std::vector<bool> named(order.size());
  const bool each_once = static_cast<std::int64_t>(order.size()) == rows && std::ranges::all_of(order, [&](std::int32_t place) {
                           if (place < 0 || place >= rows || named[static_cast<std::size_t>(place)]) return false;
                           named[static_cast<std::size_t>(place)] = true;
                           return true;
                         });
  if (!each_once) throw Error(ErrorCode::kInvalidArgument, "order must name each of " + std::to_string(rows) + " rows once");

  at::Tensor values = empty_in_mapping({rows, dim}, at::kHalf);
  auto* const target = static_cast<std::byte*>(values.mutable_data_ptr());
  const auto width = static_cast<std::size_t>(dim) * sizeof(at::Half);
  auto place = order.begin();
  for (const auto& part : parts) {
    const auto* row = static_cast<const std::byte*>(part->state_->values.const_data_ptr());
    for (std::int64_t i = 0; i < part->rows(); ++i, ++place, row += width) {
      std::memcpy(target + static_cast<std::size_t>(*place) * width, row, width);
    }
  }
  return std::shared_ptr<LabelMatrix>(new LabelMatrix(std::make_unique<State>(std::move(values), hash)));
}

void LabelMatrix::write(const std::filesystem::path& path) const {
  const at::Tensor& values = state_->values;
  const std::size_t size = values.nbytes();
  const std::string header =
      safetensors_header({{"embeds", {{"dtype", "F16"}, {"shape", {rows(), dim()}}, {"data_offsets", {0, size}}}},
                          {"hash", {{"dtype", "I8"}, {"shape", {kHashSize}}, {"data_offsets", {size, size + hash().size()}}}}});
  const auto* const data = static_cast<const std::byte*>(values.const_data_ptr());
  write_file_atomically(path, {std::as_bytes(std::span(header)), {data, size}, std::as_bytes(std::span(hash()))});
}

std::int64_t LabelMatrix::rows() const noexcept { return state_->values.size(0); }
std::int64_t LabelMatrix::dim() const noexcept { return state_->values.size(1); }
const std::string& LabelMatrix::hash() const noexcept { return state_->hash; }

TopK LabelMatrix::top_k(const std::vector<std::shared_ptr<LabelMatrix>>& matrices, const Features& features, const TopKOptions& options) {
  const c10::Device device = features.tensor().device();
  std::vector<at::Tensor> rows;
  for (const auto& matrix : matrices) {
    if (matrix->dim() != features.dim()) {
      throw Error(ErrorCode::kInvalidArgument, "labels of " + std::to_string(matrix->dim()) +
                                                   " dimensions cannot be ranked against features of " + std::to_string(features.dim()) +
                                                   "; both must come from one model");
    }
    rows.push_back(matrix->state_->on(device));
  }
  return device.is_cuda() ? ops::rank_cuda(rows, features.tensor(), options) : ops::rank(rows, features.tensor(), options);
}

struct LabelMatrix::RankRequest {
  std::vector<std::shared_ptr<LabelMatrix>> matrices;
  Features features;
  TopKOptions options;
  std::function<void(TopK)> take;
};

/// Rankings of the same labels, in one slice.
class LabelMatrix::RankPass final : public MergedPass<RankRequest> {
 public:
  using MergedPass::MergedPass;

 private:
  std::vector<Ended> advance_pass(const std::vector<std::size_t>& left) override {
    std::vector<at::Tensor> features;
    for (const std::size_t place : left) features.push_back(request(place).features.tensor());
    const RankRequest& first = request(left.front());
    const TopK all = top_k(first.matrices, Features(first.features.device(), at::cat(features)), first.options);
    // From here on nothing may fail for all: jobs end one by one.
    std::vector<Ended> ended;
    ended.reserve(left.size());
    std::int64_t row = 0;
    for (const std::size_t place : left) {
      const std::int64_t rows = request(place).features.rows(), begin = row * all.k, end = begin + rows * all.k;
      row += rows;
      ended.push_back(MergedPass::end(place, [&](RankRequest& request) {
        request.take({rows,
                      all.k,
                      {all.indices.begin() + begin, all.indices.begin() + end},
                      {all.similarities.begin() + begin, all.similarities.begin() + end}});
      }));
    }
    return ended;
  }
};

JobPtr LabelMatrix::top_k_job(std::vector<std::shared_ptr<LabelMatrix>> matrices, Features features, const TopKOptions& options,
                              std::function<void(TopK)> take) {
  MergeKey key{static_cast<std::uintptr_t>(features.dim()), static_cast<std::uintptr_t>(options.k),
               static_cast<std::uintptr_t>(options.chunk_size), options.reverse, options.corrected};
  for (const auto& matrix : matrices) key.push_back(reinterpret_cast<std::uintptr_t>(matrix.get()));
  const std::size_t most = features.device()->options().max_batch;
  return std::make_unique<MergedJob<RankRequest, RankPass>>(
      std::move(key), most, RankRequest{std::move(matrices), std::move(features), options, std::move(take)});
}

}  // namespace interrogator
