#include "label_matrix_wrap.h"

#include <limits>

#include "async_call.h"
#include "features_wrap.h"

namespace interrogator::binding {

namespace {

using Matrix = std::shared_ptr<LabelMatrix>;

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();

/// SHA-256 in lower-case hex: 64 letters, as the file keeps it.
std::string to_hash(Napi::Value value) {
  std::string hash = to_string(value, "hash");
  const bool hex = hash.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (hash.size() != 64 || !hex) invalid("hash", "64 lower-case hexadecimal digits", value);
  return hash;
}

Napi::Value from_top_k(Napi::Env env, const TopK& top) {
  const auto object = Napi::Object::New(env);
  object.Set("rows", top.rows);
  object.Set("k", top.k);
  object.Set("indices", from_int32s(env, top.indices));
  object.Set("similarities", from_floats(env, top.similarities));
  return object;
}

}  // namespace

std::vector<LabelMatrixWrap::PropertyDescriptor> LabelMatrixWrap::methods() { return {InstanceMethod<&LabelMatrixWrap::close>("close")}; }

void LabelMatrixWrap::adopt(Napi::Env env, std::shared_ptr<LabelMatrix> matrix) {
  show("rows", matrix->rows());
  show("dim", matrix->dim());
  show("hash", matrix->hash());
  stands_for(env, matrix->rows() * matrix->dim() * 2);  // float16
  matrix_ = freed_elsewhere(environment_of(env), std::move(matrix));
}

Napi::Value LabelMatrixWrap::open(const Napi::CallbackInfo& info) {
  const auto path = to_path(info[0], "path");
  const OptionsReader reader(info[1], "options");
  const std::string hash = reader.string("hash");
  const std::int64_t dim = reader.integer("dim", 0, 0, kMost);
  return AsyncCall::create(info.Env())->run_on(environment_of(info.Env()).file_thread(), [path, hash, dim](AsyncCall&) {
    return answer(wrap<Matrix>, LabelMatrix::open(path, hash, dim));
  });
}

Napi::Value LabelMatrixWrap::write(const Napi::CallbackInfo& info) {
  const auto path = to_path(info[0], "path");
  const Matrix matrix = matrix_of(info[1], "matrix");
  return AsyncCall::create(info.Env())->run_on(environment_of(info.Env()).file_thread(), [path, matrix](AsyncCall&) {
    matrix->write(path);
    return Answer();
  });
}

Napi::Value LabelMatrixWrap::join(const Napi::CallbackInfo& info) {
  const std::vector<Matrix> parts = matrices_of(info[0], "parts");
  const std::vector<std::int32_t> order = to_int32s(info[1], "order");
  const std::string hash = to_hash(info[2]);
  return AsyncCall::create(info.Env())->run_on(environment_of(info.Env()).file_thread(), [parts, order, hash](AsyncCall&) {
    return answer(wrap<Matrix>, LabelMatrix::join(parts, order, hash));
  });
}

Napi::Value LabelMatrixWrap::from_features(const Napi::CallbackInfo& info) {
  const Features features = FeaturesWrap::features_of(info[0], "features");
  const std::string hash = to_hash(info[1]);
  return AsyncCall::create(info.Env())->run_on(features.device(), [features, hash](AsyncCall&) {
    return answer(wrap<Matrix>, LabelMatrix::from_features(features, hash));
  });
}

Napi::Value LabelMatrixWrap::top_k(const Napi::CallbackInfo& info) {
  std::vector<Matrix> matrices = matrices_of(info[0], "matrices");
  const Features features = FeaturesWrap::features_of(info[1], "features");
  TopKOptions options;
  options.k = to_integer(info[2], "k", 1, kMost);
  const OptionsReader reader(info[3], "options");
  options.reverse = reader.boolean("reverse", options.reverse);
  options.chunk_size = reader.integer("chunkSize", options.chunk_size, 0, kMost);
  options.corrected = reader.boolean("corrected", options.corrected);
  return AsyncCall::create(info.Env(), CancelTokenWrap::group_of(info[4]))
      ->merge_on<TopK>(features.device(), nullptr, from_top_k,
                       [&](auto take) { return LabelMatrix::top_k_job(std::move(matrices), features, options, std::move(take)); });
}

Matrix LabelMatrixWrap::matrix_of(Napi::Value value, const std::string& name) {
  Matrix matrix = unwrap(value, name).matrix_;
  if (!matrix) throw Error(ErrorCode::kDisposed, name + " was closed; open it again");
  return matrix;
}

std::vector<Matrix> LabelMatrixWrap::matrices_of(Napi::Value value, const std::string& name) {
  if (!value.IsArray()) binding::invalid(name, "an array of LabelMatrix", value);
  const auto given = value.As<Napi::Array>();
  std::vector<Matrix> matrices;
  for (std::uint32_t i = 0; i < given.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    matrices.push_back(matrix_of(given.Get(i), name + '[' + std::to_string(i) + ']'));
  }
  if (matrices.empty()) binding::invalid(name, "must hold at least one LabelMatrix");
  return matrices;
}

void LabelMatrixWrap::close(const Napi::CallbackInfo& info) {
  matrix_.reset();
  stands_for(info.Env(), 0);
}

}  // namespace interrogator::binding
