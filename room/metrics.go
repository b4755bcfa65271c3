package room

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throng/room/event"
)

// metrics is what the room counts. Its names begin with throng_room_. No label is a nick, a room or an address: there are as
// many series however many people there are. What is counted for every recipient is counted by its shard without an atomic
// operation, and added when it flushes (shard.count).
type metrics struct {
	received   *prometheus.CounterVec // objects from clients, by dialect and type
	refused    *prometheus.CounterVec // what clients were told did not happen, by dialect and err code
	stored     *prometheus.CounterVec // messages, by kind of conversation
	fleeting   prometheus.Counter     // messages that are not stored
	repeated   prometheus.Counter     // messages that were stored before
	acks       prometheus.Counter
	delivered  *prometheus.CounterVec // to sessions, by dialect and class
	skipped    *prometheus.CounterVec // what slow readers went without, by class
	gaps       prometheus.Counter
	acts       *prometheus.CounterVec // of moderation, by kind
	unnoted    prometheus.Counter     // of a webhook's
	recoveries *prometheus.CounterVec // conversations asked for, by whether nothing is missing
	stage      *prometheus.HistogramVec
	commit     prometheus.Histogram
	batch      prometheus.Histogram

	deliveredBy [dialects][classes]prometheus.Counter
	receivedBy  [dialects][]prometheus.Counter // by event.Type
	skippedBy   [classes]prometheus.Counter
	stages      stages
}

// stages are the parts of a message's road whose time is taken, of one message in sampleOne.
type stages struct{ decode, wait, fanout, road prometheus.Observer }

// names of labels' values
var (
	dialectNames = [dialects]string{"tutorial", "v2"}
	classNames   = [classes]string{"chat", "presence", "fleeting", "edict"}
)

// Buckets double: of times, from 4 µs to 8 s, and of batches, from 1 to 32,768.
var (
	timeBuckets  = prometheus.ExponentialBuckets(4e-6, 2, 22)
	batchBuckets = prometheus.ExponentialBuckets(1, 2, 16)
)

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: "throng_room_" + name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "throng_room_" + name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Name: "throng_room_" + name, Help: help, Buckets: buckets}
}

// newMetrics registers what h counts with a registry, which has no other hub's; nil: it is counted all the same.
func newMetrics(h *Hub, to prometheus.Registerer) *metrics {
	m := &metrics{
		received:   counters("received_total", "Objects that clients sent, by dialect and type; what could not be read is unknown.", "dialect", "type"),
		refused:    counters("refused_total", "What clients were told did not happen, by dialect and err code.", "dialect", "code"),
		stored:     counters("stored_total", "Messages that were stored, by kind of conversation.", "kind"),
		fleeting:   counter("fleeting_total", "Direct messages between two of the tutorial dialect, which are not stored."),
		repeated:   counter("repeated_total", "Messages that had been stored before under the same cid, and were not delivered again."),
		acks:       counter("acks_total", "Acks that were given."),
		delivered:  counters("delivered_total", "What was queued for sessions as it was said, by dialect and class.", "dialect", "class"),
		skipped:    counters("skipped_total", "What slow readers went without: chat becomes a gap, presence is merged, the fleeting is dropped.", "class"),
		unnoted:    counter("unnoted_total", "Connects and disconnects that a webhook will not be told of: the log could not store for too long."),
		gaps:       counter("gaps_total", "Gaps that slow readers were told of."),
		recoveries: counters("recoveries_total", "Conversations that returning clients gave a position of, by whether nothing is missing.", "recovered"),
		acts:       counters("acts_total", "Acts of moderation that took effect on this node, by kind.", "kind"),
		stage: prometheus.NewHistogramVec(histogram("stage_seconds",
			"How long a message takes: to decode, to wait for the committer, from stored until the last recipient's shard is done with it "+
				"(fanout), and all of it (road). A sample, one message in 64.", timeBuckets), []string{"stage"}),
		commit: prometheus.NewHistogram(histogram("commit_seconds", "How long the log takes to store a batch.", timeBuckets)),
		batch:  prometheus.NewHistogram(histogram("commit_messages", "Messages in a batch that the log stores at once.", batchBuckets)),
	}
	for d, dialect := range dialectNames {
		for c, class := range classNames {
			m.deliveredBy[d][c] = m.delivered.WithLabelValues(dialect, class)
		}
		for t := event.TypeUnknown; t <= event.TypeMotd; t++ {
			m.receivedBy[d] = append(m.receivedBy[d], m.received.WithLabelValues(dialect, t.String()))
		}
	}
	for kind := range actForms {
		m.acts.WithLabelValues(string(kind))
	}
	for c, class := range classNames {
		m.skippedBy[c] = m.skipped.WithLabelValues(class)
	}
	of := m.stage.WithLabelValues
	m.stages = stages{decode: of("decode"), wait: of("wait"), fanout: of("fanout"), road: of("road")}
	if to != nil {
		to.MustRegister(m.received, m.refused, m.stored, m.fleeting, m.repeated, m.acks, m.delivered, m.skipped, m.gaps, m.recoveries, m.unnoted, m.acts,
			m.stage, m.commit, m.batch, state{h})
	}
	return m
}

// refuse counts a refusal.
func (m *metrics) refuse(d dialect, bad *event.Error) {
	m.refused.WithLabelValues(dialectNames[d], strconv.Itoa(bad.Code)).Inc()
}

// recover counts what a client was told of the conversations that it gave positions of.
func (m *metrics) recover(isRecovered bool) {
	m.recoveries.WithLabelValues(strconv.FormatBool(isRecovered)).Inc()
}

// act counts an act of moderation. Of a newer version there may be kinds that this one does not know.
func (m *metrics) act(kind ActKind) {
	if _, ok := actForms[kind]; ok {
		m.acts.WithLabelValues(string(kind)).Inc()
	}
}

// goOn counts a message that the committer, who took it at begun, is done with.
func (h *Hub) goOn(p *post, begun time.Time) {
	m := h.metrics
	switch {
	case p.settle != nil, p.recorded != nil, p.note != nil:
		return
	case p.isFleeting:
		m.fleeting.Inc()
	case p.isKnown:
		m.repeated.Inc()
	default:
		m.stored.WithLabelValues(p.kind()).Inc()
	}
	if ts := h.traces.Load(); ts != nil {
		ts.stored(p, time.Since(begun))
	}
}

// state is what a hub holds at present, asked when the metrics are read.
type state struct{ hub *Hub }

var (
	descSessions = gauge("sessions", "Sessions that have been let in, by dialect.", "dialect")
	descUsers    = gauge("users", "People in the chat on this node.")
	descRooms    = gauge("rooms", "Rooms with somebody of this node in them.")
	descWaiting  = gauge("road_waiting_bytes", "Messages that wait for the committer.")
	descBacklog  = gauge("shard_backlog_bytes", "Messages that wait for a shard.", "shard")
	descMail     = gauge("mailbox_letters", "Letters in a mailbox, the road's or a shard's.", "mailbox")
	descRules    = gauge("rules", "Rules of moderators that are in force: bans, mutes, read-only rooms, a message of the day; by kind.", "kind")
	descHealthy  = gauge("healthy", "1 when messages can be stored and received.")
)

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("throng_room_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (state) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descSessions, descUsers, descRooms, descWaiting, descBacklog, descMail, descRules, descHealthy} {
		to <- d
	}
}

// Collect implements prometheus.Collector. Any goroutine may call it.
func (s state) Collect(to chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	h := s.hub
	for d, name := range dialectNames {
		tell(descSessions, float64(h.speaking[d].Load()), name)
	}
	users, rooms := h.places.size()
	tell(descUsers, float64(users))
	tell(descRooms, float64(rooms))
	tell(descWaiting, float64(h.road.waiting.Load()))
	tell(descMail, float64(h.road.mail.size()), "road")
	for i, shard := range h.shards {
		number := strconv.Itoa(i)
		tell(descBacklog, float64(shard.backlog.Load()), number)
		tell(descMail, float64(shard.mail.size()), number)
	}
	counts := map[ActKind]int{ActBan: 0, ActMute: 0, ActReadOnly: 0, ActMotd: 0}
	for _, rule := range h.Rules() {
		counts[rule.Kind]++
	}
	for kind, n := range counts {
		tell(descRules, float64(n), string(kind))
	}
	healthy := 1.0
	if h.Healthy() != nil {
		healthy = 0
	}
	tell(descHealthy, healthy)
}
