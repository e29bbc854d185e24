#include "platform/cpu_count.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace interrogator {

namespace {

#ifdef __linux__

int cores_by_affinity() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 0;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const std::string name = std::to_string(cpu);
    std::ifstream file("/sys/devices/system/cpu/cpu" + name + "/topology/thread_siblings_list");
    std::string siblings;
    // Where the topology is hidden every processor is taken for a core.
    cores.insert(std::getline(file, siblings) ? siblings : "cpu" + name);
  }
  return static_cast<int>(cores.size());
}

/// Processors per period that one control group grants; nothing where it sets no limit.
std::optional<double> quota_of(const std::filesystem::path& group) {
  std::string quota;
  double period = 0;
  if (std::ifstream file(group / "cpu.max"); file >> quota >> period) {  // version 2
    if (quota == "max" || period <= 0) return std::nullopt;
    return std::atof(quota.c_str()) / period;
  }
  double allowed = 0;
  std::ifstream quota_file(group / "cpu.cfs_quota_us"), period_file(group / "cpu.cfs_period_us");  // version 1
  if (quota_file >> allowed && period_file >> period && allowed > 0 && period > 0) return allowed / period;
  return std::nullopt;
}

/// The least of the limits from this process's control group up to the root.
std::optional<double> cgroup_quota() {
  std::optional<double> least;
  const auto look = [&](const std::filesystem::path& root, std::filesystem::path group) {
    for (;;) {
      if (const std::optional<double> quota = quota_of(root / group)) least = std::min(least.value_or(*quota), *quota);
      if (group.empty()) return;
      group = group.parent_path();
    }
  };
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // "4:cpu,cpuacct:/path", or "0::/path" in version 2
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::filesystem::path group = std::filesystem::path(line.substr(second + 1)).relative_path();
    if (controllers.empty()) look("/sys/fs/cgroup", group);
    if ((',' + controllers + ',').find(",cpu,") != std::string::npos) look("/sys/fs/cgroup/cpu", group);
  }
  return least;
}

#endif

}  // namespace

int usable_physical_cores() {
  int cores = 0;
#ifdef __linux__
  cores = cores_by_affinity();
  if (const std::optional<double> quota = cgroup_quota()) cores = std::min(cores, static_cast<int>(std::ceil(*quota)));
#endif
  if (cores < 1) cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(cores, 1);
}

}  // namespace interrogator
