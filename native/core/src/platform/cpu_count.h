// How many processors this process may really use.
#pragma once

namespace interrogator {

/// Physical cores among the processors that the scheduler and the control groups leave to this
/// process, at least 1. Hardware threads of one core count once.
int usable_physical_cores();

}  // namespace interrogator
