// Reading /proc and /sys; see available_cpus.h.
#include <gradus/kernels/available_cpus.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace gradus::kernels {
namespace {

bool has_word(const std::string& list, const std::string& word) {
  std::istringstream words(list);
  for (std::string one; std::getline(words, one, ',');)
    if (one == word) return true;
  return false;
}

/// A line of /proc/self/mountinfo, as far as it matters: "36 35 0:30 / /sys/fs/cgroup rw - cgroup2
/// cgroup2 rw". Spaces in paths are written \040.
struct Mount {
  std::string root, point, type, options;
};

std::string without_escapes(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text.compare(i, 4, "\\040") == 0)
      plain += ' ', i += 3;
    else
      plain += text[i];
  return plain;
}

std::vector<Mount> mounts(const std::string& root) {
  std::vector<Mount> all;
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string skipped, source;
    Mount mount;
    words >> skipped >> skipped >> skipped >> mount.root >> mount.point;
    while (words >> skipped && skipped != "-") {
    }
    if (!(words >> mount.type >> source >> mount.options)) continue;
    mount.root = without_escapes(mount.root);
    mount.point = without_escapes(mount.point);
    all.push_back(std::move(mount));
  }
  return all;
}

/// CPUs of a quota per period in microseconds; 0 for none.
int cpus_of(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min(1LL << 20, quota / period + (quota % period != 0)));
}

/// Of the group in `folder`. Version 2: "max 100000" or "200000 100000".
int quota_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  long long quota = 0, period = 0;
  return file >> quota >> period ? cpus_of(quota, period) : 0;
}
/// Version 1: -1 or 200000, and 100000.
int quota_v1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"),
      period_file(folder + "/cpu.cfs_period_us");
  long long quota = 0, period = 0;
  return quota_file >> quota && period_file >> period ? cpus_of(quota, period) : 0;
}

/// The least quota of the group `path` and those around it, down to where they are mounted.
template <class Quota>
int least_quota(const std::string& root, const Mount& mount, std::string path, Quota quota) {
  // In a container the mount shows a part of the tree: what is above it is not there.
  const std::string above = mount.root == "/" ? "" : mount.root;
  if (path == above || path.starts_with(above + "/"))
    path.erase(0, above.size());
  else
    path.clear();
  if (path.find("/..") != std::string::npos) path.clear();  // outside of the cgroup namespace
  int least = 0;
  while (true) {
    while (!path.empty() && path.back() == '/') path.pop_back();
    if (const int cpus = quota(root + mount.point + path); cpus > 0)
      least = least == 0 ? cpus : std::min(least, cpus);
    if (path.empty()) return least;
    path.resize(path.rfind('/'));
  }
}

}  // namespace

int cgroup_cpus(const std::string& root) {
  const std::vector<Mount> all = mounts(root);
  int least = 0;
  const auto take = [&](int cpus) {
    if (cpus > 0) least = least == 0 ? cpus : std::min(least, cpus);
  };
  // "0::/user.slice" is the group of version 2, "4:cpu,cpuacct:/docker/3f" one of version 1.
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      path = line.substr(second + 1);
    if (path.empty() || path[0] != '/') continue;
    for (const Mount& mount : all) {
      if (controllers.empty() && mount.type == "cgroup2")
        take(least_quota(root, mount, path, quota_v2));
      if (has_word(controllers, "cpu") && mount.type == "cgroup" && has_word(mount.options, "cpu"))
        take(least_quota(root, mount, path, quota_v1));
    }
  }
  return least;
}

int available_cpus() {
  int cpus = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#if defined(__linux__)
  // The kernel's mask may be longer than cpu_set_t, which ends at 1024.
  for (std::size_t bits = 1024; bits <= std::size_t{1} << 20; bits *= 2) {
    std::vector<cpu_set_t> mask(bits / (8 * sizeof(cpu_set_t)));
    const std::size_t bytes = mask.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, mask.data()) != 0) continue;
    cpus = std::max(1, CPU_COUNT_S(bytes, mask.data()));
    break;
  }
  if (const int quota = cgroup_cpus(); quota > 0) cpus = std::min(cpus, quota);
#endif
  return cpus;
}

}  // namespace gradus::kernels
