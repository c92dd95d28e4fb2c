// How many CPUs this process may use: the affinity mask, and what the groups of processes that it
// is in (cgroups, containers) allow.
#pragma once

#include <string>

namespace gradus::kernels {

/// CPUs of the affinity mask, limited by cgroup_cpus(); 1 at least.
int available_cpus();

/// CPUs that the quotas of this process's cgroups allow: the least of its own group and those
/// around it, of version 2 and version 1, parts of a CPU rounded up. 0 where no quota is set.
/// `root` stands before the paths of all files that are read (/proc/self/..., /sys/fs/cgroup/...).
/// (man 7 cgroups; Documentation/admin-guide/cgroup-v2.rst, "cpu.max")
int cgroup_cpus(const std::string& root = {});

}  // namespace gradus::kernels
