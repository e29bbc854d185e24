// NativeLabelMatrix: label embeddings, from a file or computed.
#pragma once

#include <memory>
#include <string>
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
  /// writeLabelMatrix(path, matrix)
  static Napi::Value write(const Napi::CallbackInfo& info);
  /// joinLabelMatrices(parts, order, hash)
  static Napi::Value join(const Napi::CallbackInfo& info);
  /// labelMatrixFromFeatures(features, hash)
  static Napi::Value from_features(const Napi::CallbackInfo& info);
  /// topK(matrices, features, k, {reverse, chunkSize, corrected}, token)
  static Napi::Value top_k(const Napi::CallbackInfo& info);

 private:
  /// Throws kDisposed where it was closed.
  static std::shared_ptr<LabelMatrix> matrix_of(Napi::Value value, const std::string& name);
  static std::vector<std::shared_ptr<LabelMatrix>> matrices_of(Napi::Value value, const std::string& name);
  void close(const Napi::CallbackInfo& info);

  std::shared_ptr<LabelMatrix> matrix_;  // null once closed
};

}  // namespace interrogator::binding
