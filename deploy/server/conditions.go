package server

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"throng/room/history"
)

// conditions are what the server's parts, beside engine and room, say of themselves when the metrics are read.
type conditions struct{ server *Server }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("throng_"+name, help, labels, nil)
}

var (
	descBuild       = describe("build_info", "1; the version, and the Go that it was built with, are labels.", "version", "go")
	descReady       = describe("ready", "1 when /readyz says so.")
	descLogHealthy  = describe("log_healthy", "1 when the log can store.")
	descLogDisk     = describe("log_disk_bytes", "Bytes that the log takes on its disk.")
	descLogWAL      = describe("log_wal_bytes", "Of them, bytes that are not in tables yet.")
	descLogFree     = describe("log_disk_free_bytes", "Bytes that are free on the disk of the log.")
	descLogConvs    = describe("log_conversations_cached", "Conversations that the log has in memory.")
	descLogTails    = describe("log_cached_bytes", "Bytes of newest messages that the log has in memory.")
	descLogStalls   = describe("log_stalled", "1 while the log makes writers wait, because tables are not tidied fast enough.")
	descLogTidied   = describe("log_compactions_total", "Times that tables of the log were tidied.")
	descLogTidying  = describe("log_compactions_running", "Tables of the log that are being tidied.")
	descNodes       = describe("cluster_nodes", "Live nodes of the cluster, this one included.")
	descNodeHealthy = describe("cluster_healthy", "1 when the cluster can be used from this node.")
	descLease       = describe("cluster_lease_age_seconds", "Time since this node's lease was renewed, which a quorum of the servers stores twice a second.")
)

// Describe implements prometheus.Collector. Which of these are told depends on where the log is.
func (conditions) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descBuild, descReady, descLogHealthy, descLogDisk, descLogWAL, descLogFree, descLogConvs, descLogTails,
		descLogStalls, descLogTidied, descLogTidying, descNodes, descNodeHealthy, descLease} {
		to <- d
	}
}

// Collect implements prometheus.Collector. Any goroutine may call it.
func (c conditions) Collect(to chan<- prometheus.Metric) {
	s := c.server
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	truth := func(d *prometheus.Desc, is bool) {
		if is {
			gauge(d, 1)
		} else {
			gauge(d, 0)
		}
	}
	gauge(descBuild, 1, s.options.Version, runtime.Version())
	if s.engine == nil || s.log == nil {
		return // it is just starting
	}
	truth(descReady, len(s.reasons()) == 0)
	truth(descLogHealthy, s.log.Healthy() == nil)
	if disk, ok := s.log.(interface{ Volume() history.Volume }); ok {
		v := disk.Volume()
		gauge(descLogDisk, float64(v.Bytes))
		gauge(descLogWAL, float64(v.Unsorted))
		gauge(descLogConvs, float64(v.Conversations))
		gauge(descLogTails, float64(v.Cached))
		gauge(descLogTidying, float64(v.Tidying))
		truth(descLogStalls, v.IsStalled)
		to <- prometheus.MustNewConstMetric(descLogTidied, prometheus.CounterValue, float64(v.Tidied))
	}
	var fs unix.Statfs_t
	if s.settings.Data != "mem" && unix.Statfs(s.settings.Data, &fs) == nil {
		gauge(descLogFree, float64(fs.Bavail)*float64(fs.Bsize))
	}
	if s.nodes != nil {
		gauge(descNodes, float64(len(s.nodes.Nodes())))
		truth(descNodeHealthy, s.nodes.Healthy() == nil)
		gauge(descLease, s.nodes.LeaseAge().Seconds())
	}
}
