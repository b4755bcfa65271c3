package doctor

import (
	"math"
	"path"
	"slices"
	"strings"
)

const meminfo = "proc/meminfo"

// memory reads what there is, and the limits of the control groups that this process is in (cgroups(7)): each group's
// and its parents', of which the least counts.
func (f *facts) memory() (Memory, float64) {
	text := f.text(meminfo)
	m := Memory{Total: f.kibibytes(text, "MemTotal:"), Available: f.kibibytes(text, "MemAvailable:"), Swap: f.kibibytes(text, "SwapTotal:")}
	m.Swapped = max(m.Swap-f.kibibytes(text, "SwapFree:"), 0)
	groups := f.text("proc/self/cgroup")
	for _, dir := range groupFolders(groups, "memory") {
		version, limit, free := f.groupMemory(dir)
		if limit == 0 || limit >= m.Total && m.Total > 0 {
			continue
		}
		if m.Limit == 0 || limit < m.Limit {
			m.Limit, m.Cgroup = limit, version
		}
		m.Available = min(m.Available, free)
	}
	quota := 0.0
	for _, dir := range groupFolders(groups, "cpu") {
		version, granted := f.groupQuota(dir)
		if granted > 0 && (quota == 0 || granted < quota) {
			quota, m.Cgroup = granted, version
		}
	}
	return m, quota
}

// kibibytes is a number of the text of /proc/meminfo, in bytes.
func (f *facts) kibibytes(text, name string) int {
	value, ok := field(text, name)
	if !ok {
		return 0
	}
	found, err := parseNumbers(value, 1)
	f.note(meminfo, err)
	return min(found[0], math.MaxInt>>10) << 10
}

// groupFolders are the folders that may hold a controller's files for the groups of /proc/self/cgroup, parents
// included. A container sees its own group as the root, or sees a path that is not there and its group as the
// root all the same, so that not all of them need exist.
func groupFolders(groups, controller string) []string {
	var folders []string
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		mounts := []string{"sys/fs/cgroup", "sys/fs/cgroup/unified"} // version 2, alone or beside version 1
		if parts[1] != "" {
			if !slices.Contains(strings.Split(parts[1], ","), controller) {
				continue
			}
			mounts = []string{"sys/fs/cgroup/" + controller}
		}
		for _, mount := range mounts {
			for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
				folders = append(folders, path.Join(mount, group))
				if group == "/" {
					break
				}
			}
		}
	}
	return folders
}

// groupMemory is a group's limit in bytes, 0 for none, and how much of it is left. Pages of files that are not in use count as
// left: the kernel takes them back before it refuses memory.
func (f *facts) groupMemory(dir string) (version, limit, free int) {
	names := [...][3]string{
		{"/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file "},
		{"/memory.max", "/memory.current", "inactive_file "},
	}
	for i, n := range names {
		limit := f.number(dir + n[0])
		if limit == 0 || limit >= 1<<60 { // version 1 writes infinity as the last whole page below 2^63
			continue
		}
		cache, _ := field(f.text(dir+"/memory.stat"), n[2])
		kept, _ := parseNumber(cache)
		return i + 1, limit, min(max(limit-f.number(dir+n[1])+min(kept, limit), 0), limit)
	}
	return 0, 0, 0
}

// groupQuota is the number of processors that a group may keep busy, 0 for no quota.
func (f *facts) groupQuota(dir string) (version int, granted float64) {
	if two := f.text(dir + "/cpu.max"); two != "" {
		found, err := parseNumbers(two, 2)
		f.note(dir+"/cpu.max", err)
		return 2, quota(found[0], found[1])
	}
	return 1, quota(f.number(dir+"/cpu.cfs_quota_us"), f.number(dir+"/cpu.cfs_period_us"))
}

// quota divides; a quota that is infinite or not known is 0.
func quota(used, period int) float64 {
	if used == math.MaxInt || period <= 0 || period == math.MaxInt {
		return 0
	}
	return float64(used) / float64(period)
}
