#include "interrogator/cancel.h"

#include "interrogator/error.h"

namespace interrogator {

void CancelToken::check() const {
  if (cancelled()) throw Error(ErrorCode::kAborted, "cancelled by the caller");
}

}  // namespace interrogator
