#include "interrogator/label_matrix.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "device/device_rows.h"
#include "interrogator/error.h"
#include "weights/mapped_file.h"
#include "ops/cosine_top_k.h"
#include "ops/cuda/cosine_top_k.h"
#include "queue/pass_batch.h"
#include "weights/safetensors.h"

namespace interrogator {

namespace {

constexpr std::size_t kHashSize = 64;

bool is_hash(std::string_view text) {
  return text.size() == kHashSize && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void check_hash(const std::string& hash) {
  if (!is_hash(hash))
    throw Error(ErrorCode::kInvalidArgument, "the labels' hash is '" + hash + "', expected the 64 hexadecimal digits of a SHA-256");
}

const SafeTensor& find(const std::vector<SafeTensor>& tensors, const std::string& name, const std::string& dtype, std::size_t dimensions) {
  for (const SafeTensor& tensor : tensors) {
    if (tensor.name != name) continue;
    if (tensor.dtype != dtype || tensor.shape.size() != dimensions) {
      throw std::runtime_error("its '" + name + "' is " + tensor.dtype + " of " + std::to_string(tensor.shape.size()) +
                               " dimensions, expected " + dtype + " of " + std::to_string(dimensions));
    }
    return tensor;
  }
  throw std::runtime_error("it has no '" + name + "'");
}

struct LabelFile {
  std::span<const std::byte> embeds;
  std::int64_t rows = 0, dim = 0;
  std::string hash;
};

/// Throws std::runtime_error saying what is wrong with the file.
LabelFile parse(std::span<const std::byte> bytes) {
  const std::vector<SafeTensor> tensors = parse_safetensors(bytes);
  const SafeTensor &embeds = find(tensors, "embeds", "F16", 2), &hash = find(tensors, "hash", "I8", 1);
  LabelFile file{embeds.data, embeds.shape[0], embeds.shape[1], {}};
  if (file.dim < 1) throw std::runtime_error("its 'embeds' have no dimensions");
  file.hash.assign(reinterpret_cast<const char*>(hash.data.data()), hash.data.size());
  if (!is_hash(file.hash)) throw std::runtime_error("its 'hash' is no SHA-256 in hexadecimal digits");
  return file;
}

at::Tensor to_half_rows(const Features& features) { return features.tensor().to(at::kHalf).cpu().contiguous(); }

}  // namespace

struct LabelMatrix::State {
  std::shared_ptr<const MappedFile> file;  ///< null where `values` holds the rows
  at::Tensor values;
  const std::uint16_t* data = nullptr;
  std::int64_t rows = 0, dim = 0;
  std::string hash;
  DeviceRows device_rows;

  void own(at::Tensor halves) {
    values = std::move(halves);
    data = static_cast<const std::uint16_t*>(values.const_data_ptr());
  }
};

LabelMatrix::LabelMatrix(std::unique_ptr<State> state) : state_(std::move(state)) {}
LabelMatrix::~LabelMatrix() = default;

std::shared_ptr<LabelMatrix> LabelMatrix::open(const std::filesystem::path& path, const std::string& expected_hash,
                                               std::int64_t expected_dim) {
  auto state = std::make_unique<State>();
  state->file = MappedFile::open(path);
  LabelFile parsed;
  try {
    parsed = parse(state->file->bytes());
  } catch (const std::runtime_error& wrong) {
    throw Error(ErrorCode::kLabelsDamaged,
                path.string() + " is no readable label cache: " + wrong.what() + "; delete it, it will be built again");
  }
  if (!expected_hash.empty() && parsed.hash != expected_hash) {
    throw Error(ErrorCode::kLabelsMismatch, path.string() + " was built for other labels (hash " + parsed.hash + ", expected " +
                                                expected_hash + "); it has to be built again");
  }
  if (expected_dim > 0 && parsed.dim != expected_dim) {
    throw Error(ErrorCode::kLabelsMismatch, path.string() + " holds embeddings of " + std::to_string(parsed.dim) +
                                                " dimensions, the model has " + std::to_string(expected_dim) +
                                                "; it has to be built again");
  }
  state->rows = parsed.rows;
  state->dim = parsed.dim;
  state->hash = std::move(parsed.hash);
  state->data = reinterpret_cast<const std::uint16_t*>(parsed.embeds.data());
  if (reinterpret_cast<std::uintptr_t>(state->data) % alignof(std::uint16_t) != 0) {
    // Writers before safetensors 0.3 did not pad the header.
    at::Tensor copy = at::empty({state->rows, state->dim}, at::kHalf);
    std::memcpy(copy.data_ptr(), parsed.embeds.data(), parsed.embeds.size());
    state->own(std::move(copy));
    state->file = nullptr;
  }
  return std::shared_ptr<LabelMatrix>(new LabelMatrix(std::move(state)));
}

void LabelMatrix::write(const std::filesystem::path& path, const Features& features, const std::string& hash) {
  check_hash(hash);
  const at::Tensor halves = to_half_rows(features);
  const auto* const data = static_cast<const std::byte*>(halves.const_data_ptr());
  const SafeTensor embeds{"embeds", "F16", {features.rows(), features.dim()}, {data, halves.nbytes()}};
  const SafeTensor digits{"hash", "I8", {static_cast<std::int64_t>(kHashSize)}, std::as_bytes(std::span(hash))};
  const std::string header = safetensors_header({embeds, digits});
  write_file_atomically(path, {std::as_bytes(std::span(header)), embeds.data, digits.data});
}

std::shared_ptr<LabelMatrix> LabelMatrix::from_features(const Features& features, const std::string& hash) {
  check_hash(hash);
  auto state = std::make_unique<State>();
  state->rows = features.rows();
  state->dim = features.dim();
  state->hash = hash;
  state->own(to_half_rows(features));
  return std::shared_ptr<LabelMatrix>(new LabelMatrix(std::move(state)));
}

std::int64_t LabelMatrix::rows() const noexcept { return state_->rows; }
std::int64_t LabelMatrix::dim() const noexcept { return state_->dim; }
const std::string& LabelMatrix::hash() const noexcept { return state_->hash; }

TopK LabelMatrix::top_k(const std::vector<std::shared_ptr<LabelMatrix>>& matrices, const Features& features, const TopKOptions& options,
                        const CancelToken* token) {
  ops::RankInput input;
  std::vector<at::Tensor> on_device;
  const c10::Device device = features.tensor().device();
  input.dim = features.dim();
  for (const auto& matrix : matrices) {
    if (matrix->dim() != input.dim) {
      throw Error(ErrorCode::kInvalidArgument, "labels of " + std::to_string(matrix->dim()) +
                                                   " dimensions cannot be ranked against features of " + std::to_string(input.dim) +
                                                   "; both must come from one model");
    }
    input.matrices.push_back({matrix->state_->data, matrix->rows()});
    if (device.is_cuda()) on_device.push_back(matrix->state_->device_rows.on(device, matrix->state_->data, matrix->rows(), input.dim));
  }
  if (device.is_cuda()) return ops::rank_cuda(on_device, features.tensor(), options, token);
  const at::Tensor host = features.tensor().cpu();
  input.features = host.const_data_ptr<float>();
  input.batch = features.rows();
  return ops::rank(input, options, token);
}

class LabelMatrix::RankJob final : public Job {
 public:
  RankJob(std::vector<std::shared_ptr<LabelMatrix>> matrices, Features features, const TopKOptions& options, std::function<void(TopK)> take)
      : matrices_(std::move(matrices)), features_(std::move(features)), options_(options), take_(std::move(take)) {}

  MergeKey key() const override {
    MergeKey key;
    for (const auto& matrix : matrices_) key.push_back(reinterpret_cast<std::uintptr_t>(matrix.get()));
    key.push_back(static_cast<std::uintptr_t>(features_.dim()));
    key.push_back(static_cast<std::uintptr_t>(options_.k));
    key.push_back(static_cast<std::uintptr_t>(options_.chunk_size));
    key.push_back((options_.reverse ? 1U : 0U) + (options_.corrected ? 2U : 0U));
    return key;
  }
  std::size_t most() const override { return features_.device()->options().max_batch; }
  std::unique_ptr<Batch> begin(std::vector<JobPtr> jobs) override;

 private:
  friend class LabelMatrix::RankPass;
  const std::vector<std::shared_ptr<LabelMatrix>> matrices_;
  const Features features_;
  const TopKOptions options_;
  const std::function<void(TopK)> take_;
};

/// Rankings of the same labels, in one slice.
class LabelMatrix::RankPass final : public PassBatch {
 public:
  explicit RankPass(std::vector<JobPtr> jobs) : PassBatch(jobs.size()) {
    for (JobPtr& job : jobs) jobs_.emplace_back(static_cast<RankJob*>(job.release()));
  }

 private:
  std::vector<Ended> advance_pass(const std::vector<std::size_t>& left) override {
    std::vector<at::Tensor> features;
    for (const std::size_t place : left) features.push_back(jobs_[place]->features_.tensor());
    const RankJob& first = *jobs_[left.front()];
    const TopK all = top_k(first.matrices_, Features(first.features_.device(), at::cat(features)), first.options_);
    // From here on nothing may fail for all: jobs end one by one.
    std::vector<Ended> ended(left.size());
    std::int64_t row = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      const std::unique_ptr<RankJob> job = std::move(jobs_[left[i]]);
      const std::int64_t rows = job->features_.rows();
      const auto begin = row * all.k, end = begin + rows * all.k;
      std::exception_ptr error = error_of([&] {
        job->take_({rows,
                    all.k,
                    {all.indices.begin() + begin, all.indices.begin() + end},
                    {all.similarities.begin() + begin, all.similarities.begin() + end}});
      });
      row += rows;
      ended[i] = {left[i], std::move(error)};
    }
    return ended;
  }

  std::vector<std::unique_ptr<RankJob>> jobs_;  // by place; null once ended
};

std::unique_ptr<Batch> LabelMatrix::RankJob::begin(std::vector<JobPtr> jobs) { return std::make_unique<RankPass>(std::move(jobs)); }

void LabelMatrix::submit_top_k(std::vector<std::shared_ptr<LabelMatrix>> matrices, Features features, const TopKOptions& options,
                               std::function<void(TopK)> take, Device::Done done, CancelTokenPtr token) {
  const DevicePtr device = features.device();
  device->submit(std::make_unique<RankJob>(std::move(matrices), std::move(features), options, std::move(take)), std::move(done),
                 std::move(token));
}

}  // namespace interrogator
