#include "label_matrix_wrap.h"

#include <algorithm>
#include <limits>

#include "async_call.h"
#include "cancel_token_wrap.h"
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

Napi::Value wrap_matrix(Napi::Env env, Matrix matrix) { return LabelMatrixWrap::wrap(env, std::move(matrix)); }

Napi::Value from_top_k(Napi::Env env, const TopK& top) {
  const auto object = Napi::Object::New(env);
  object.Set("rows", static_cast<double>(top.rows));
  object.Set("k", static_cast<double>(top.k));
  object.Set("indices", from_int32s(env, top.indices));
  object.Set("similarities", from_floats(env, top.similarities));
  return object;
}

}  // namespace

std::vector<LabelMatrixWrap::PropertyDescriptor> LabelMatrixWrap::methods() {
  return {InstanceAccessor<&LabelMatrixWrap::rows>("rows"), InstanceAccessor<&LabelMatrixWrap::dim>("dim"),
          InstanceAccessor<&LabelMatrixWrap::hash>("hash"), InstanceMethod<&LabelMatrixWrap::close>("close")};
}

void LabelMatrixWrap::adopt(Napi::Env env, std::shared_ptr<LabelMatrix> matrix) {
  rows_ = matrix->rows();
  dim_ = matrix->dim();
  hash_ = matrix->hash();
  stands_for(env, rows_ * dim_ * 2);  // float16
  matrix_ = freed_elsewhere(environment_of(env), std::move(matrix));
}

Napi::Value LabelMatrixWrap::open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    const auto path = to_path(info[0], "path");
    const OptionsReader reader(info[1], "options");
    const std::string hash = reader.string("hash");
    const std::int64_t dim = reader.integer("dim", 0, 0, kMost);
    return make_call<Matrix>(
               env, nullptr, [path, hash, dim](AsyncCall<Matrix>&) { return LabelMatrix::open(path, hash, dim); }, wrap_matrix)
        ->run_on_file_thread(env);
  });
}

Napi::Value LabelMatrixWrap::write(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    const auto path = to_path(info[0], "path");
    const Features features = FeaturesWrap::features_of(info[1], "features");
    const std::string hash = to_hash(info[2]);
    return make_call<void>(
               env, CancelTokenWrap::group_of(info[3]),
               [path, features, hash](AsyncCall<void>&) { LabelMatrix::write(path, features, hash); }, to_undefined)
        ->run_on(env, features.device());
  });
}

Napi::Value LabelMatrixWrap::from_features(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    const Features features = FeaturesWrap::features_of(info[0], "features");
    const std::string hash = to_hash(info[1]);
    return make_call<Matrix>(
               env, nullptr, [features, hash](AsyncCall<Matrix>&) { return LabelMatrix::from_features(features, hash); }, wrap_matrix)
        ->run_on(env, features.device());
  });
}

Napi::Value LabelMatrixWrap::top_k(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    if (!info[0].IsArray()) binding::invalid("matrices", "an array of LabelMatrix", info[0]);
    const auto given = info[0].As<Napi::Array>();
    std::vector<Matrix> matrices;
    for (std::uint32_t i = 0; i < given.Length(); ++i) {
      const Napi::HandleScope scope(env);
      const std::string place = "matrices[" + std::to_string(i) + "]";
      matrices.push_back(unwrap(given.Get(i), place).matrix_);
      if (!matrices.back()) throw Error(ErrorCode::kDisposed, place + " was closed; open it again");
    }
    if (matrices.empty()) binding::invalid("matrices", "must hold at least one LabelMatrix");
    const Features features = FeaturesWrap::features_of(info[1], "features");
    TopKOptions options;
    options.k = to_integer(info[2], "k", 1, kMost);
    const OptionsReader reader(info[3], "options");
    options.reverse = reader.boolean("reverse", options.reverse);
    options.chunk_size = reader.integer("chunkSize", options.chunk_size, 0, kMost);
    options.corrected = reader.boolean("corrected", options.corrected);
    return make_call<TopK>(env, CancelTokenWrap::group_of(info[4]), from_top_k)
        ->merge_on(env, features.device(), nullptr, [&](auto take, auto done, const CancelTokenPtr& token) {
          LabelMatrix::submit_top_k(std::move(matrices), features, options, std::move(take), std::move(done), token);
        });
  });
}

Napi::Value LabelMatrixWrap::rows(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<double>(rows_)); }

Napi::Value LabelMatrixWrap::dim(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<double>(dim_)); }

Napi::Value LabelMatrixWrap::hash(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), hash_); }

void LabelMatrixWrap::close(const Napi::CallbackInfo& info) {
  matrix_.reset();
  stands_for(info.Env(), 0);
}

}  // namespace interrogator::binding
