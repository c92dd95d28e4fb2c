// CPUs that quotas allow, read from trees of files as Linux shows them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <gradus/kernels/available_cpus.h>

namespace gradus::kernels {
namespace {

/// A /proc and /sys of its own.
class Cgroups : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "gradus_cgroups_" +
            testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  void version2(const std::string& group, const std::string& mount_root = "/") {
    write("/proc/self/cgroup", "0::" + group);
    write("/proc/self/mountinfo",
          "22 20 0:20 / /proc rw,nosuid - proc proc rw\n31 23 0:26 " + mount_root +
              " /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate");
  }
  std::string root_;
};

TEST_F(Cgroups, NoFilesNoLimit) { EXPECT_EQ(cgroup_cpus(root_), 0); }

TEST_F(Cgroups, NoQuotaNoLimit) {
  version2("/user.slice/run.scope");
  write("/sys/fs/cgroup/user.slice/run.scope/cpu.max", "max 100000");
  EXPECT_EQ(cgroup_cpus(root_), 0);
}

TEST_F(Cgroups, TheProcesssOwnGroup) {
  version2("/user.slice/run.scope");
  write("/sys/fs/cgroup/user.slice/run.scope/cpu.max", "300000 100000");
  EXPECT_EQ(cgroup_cpus(root_), 3);
}

TEST_F(Cgroups, PartsOfACpuAreRoundedUp) {
  version2("/a");
  write("/sys/fs/cgroup/a/cpu.max", "250000 100000");
  EXPECT_EQ(cgroup_cpus(root_), 3);
  write("/sys/fs/cgroup/a/cpu.max", "1000 100000");
  EXPECT_EQ(cgroup_cpus(root_), 1);
}

TEST_F(Cgroups, AGroupAroundIt) {
  version2("/kubepods/pod7/box");
  write("/sys/fs/cgroup/kubepods/pod7/box/cpu.max", "800000 100000");
  write("/sys/fs/cgroup/kubepods/pod7/cpu.max", "200000 100000");
  write("/sys/fs/cgroup/kubepods/cpu.max", "max 100000");
  write("/sys/fs/cgroup/cpu.max", "1600000 100000");
  EXPECT_EQ(cgroup_cpus(root_), 2);
}

TEST_F(Cgroups, AContainerThatSeesItsPartOfTheTree) {
  version2("/docker/3f", "/docker/3f");
  write("/sys/fs/cgroup/cpu.max", "400000 100000");
  EXPECT_EQ(cgroup_cpus(root_), 4);
  version2("/docker/3f/inner", "/docker/3f");
  write("/sys/fs/cgroup/inner/cpu.max", "100000 100000");
  EXPECT_EQ(cgroup_cpus(root_), 1);
  version2("/../other");  // outside of the namespace: what is mounted counts
  EXPECT_EQ(cgroup_cpus(root_), 4);
}

TEST_F(Cgroups, VersionOneBesideOthers) {
  write("/proc/self/cgroup",
        "12:memory:/docker/3f\n4:cpu,cpuacct:/docker/3f\n3:cpuset:/docker/3f\n0::/");
  write("/proc/self/mountinfo",
        "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
        "35 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw");
  write("/sys/fs/cgroup/cpu,cpuacct/docker/3f/cpu.cfs_quota_us", "-1");
  write("/sys/fs/cgroup/cpu,cpuacct/docker/3f/cpu.cfs_period_us", "100000");
  write("/sys/fs/cgroup/cpuset/docker/3f/cpu.cfs_quota_us", "100000");  // another controller's
  write("/sys/fs/cgroup/cpuset/docker/3f/cpu.cfs_period_us", "100000");
  EXPECT_EQ(cgroup_cpus(root_), 0);
  write("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "550000");
  write("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000");
  EXPECT_EQ(cgroup_cpus(root_), 6);
}

TEST_F(Cgroups, AMountWithASpace) {
  write("/proc/self/cgroup", "0::/a");
  write("/proc/self/mountinfo", "31 23 0:26 / /my\\040groups rw - cgroup2 cgroup2 rw");
  write("/my groups/a/cpu.max", "700000 100000");
  EXPECT_EQ(cgroup_cpus(root_), 7);
}

TEST_F(Cgroups, NonsenseIsNoLimit) {
  for (const std::string text : {"", "nan", "-5 100000", "5 0", "100000"}) {
    version2("/a");
    write("/sys/fs/cgroup/a/cpu.max", text);
    EXPECT_EQ(cgroup_cpus(root_), 0) << text;
  }
  write("/proc/self/cgroup", "0\n::\n0::relative\n");
  EXPECT_EQ(cgroup_cpus(root_), 0);
  write("/proc/self/mountinfo", "31\n31 23 0:26 / /x rw\n");
  EXPECT_EQ(cgroup_cpus(root_), 0);
}

TEST(AvailableCpus, AreSomeAndNotMoreThanThereAre) {
  EXPECT_GE(available_cpus(), 1);
  EXPECT_LE(available_cpus(), 1 << 20);
}

}  // namespace
}  // namespace gradus::kernels
