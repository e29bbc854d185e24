// NativeLabelMatrix: label embeddings, from a file or computed.
#pragma once

#include <memory>
#include <vector>

#include "handle.h"
#include "interrogator/label_matrix.h"

namespace interrogator::binding {

class LabelMatrixWrap : public Handle<LabelMatrixWrap> {
 public:
  static constexpr char kName[] = "LabelMatrix";
  static constexpr char kDisposal[] = "dispose";
  static std::vector<PropertyDescriptor> methods();

  using Handle::Handle;
  void adopt(Napi::Env env, std::shared_ptr<LabelMatrix> matrix);

  /// openLabelMatrix(path, {hash, dim})
  static Napi::Value open(const Napi::CallbackInfo& info);
  /// writeLabelMatrix(path, features, hash, token)
  static Napi::Value write(const Napi::CallbackInfo& info);
  /// labelMatrixFromFeatures(features, hash)
  static Napi::Value from_features(const Napi::CallbackInfo& info);
  /// topK(matrices, features, k, {reverse, chunkSize, corrected}, token)
  static Napi::Value top_k(const Napi::CallbackInfo& info);

 private:
  void close(const Napi::CallbackInfo& info);

  std::shared_ptr<LabelMatrix> matrix_;  // null once closed
};

}  // namespace interrogator::binding
