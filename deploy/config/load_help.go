package config

// loadDoes and loadMore are the head and the foot of the help of "throng load".
const (
	loadDoes = `load [--setting value]...
       throng load compare A.json B.json
       throng load worker [--setting value]...

Simulates the users of a chat server and accounts for every delivery: each pair of a message and a recipient was
delivered once, or is reported as lost, duplicated, reordered or late. Latencies count from the moment at which a
message was meant to be sent, so that a server that stalls cannot hide it. "compare" puts two results side by side,
"worker" lends this machine to a run on another.

Each setting has three ways in, and the later wins: a key in the TOML file of --config, the environment, the flag. The
variable is THRONG_LOAD_WARM_UP for --warm-up, or THRONG_WARM_UP for short; --config, --rate, --admin and --jwt-... have the
long form alone, since the short one is the server's. A value that cannot be used ends the program with exit code 2.
`
	loadMore = `Scenarios:
  idle       all connect and say nothing
  broadcast  the talkers speak to everyone
  direct     everybody writes to a few others in private
  chat       a few broadcasts and many private messages; few users talk much and many little. Over v2 every user is
             in two rooms of about 50 as well, and three messages in ten go to those; the tutorial dialect has no rooms
  churn      chat, while some of the users come and go
  storm      chat, and within the steady phase, at least once and about every 30s, all drop and return at once: over v2
             while the sending goes on, in the tutorial dialect between two parts of it
  slow       broadcast, to users of whom some read slowly or never

Examples:
  throng load --serve 1 --users 15000 --scenario broadcast --slo lost==0
        start a server, load it, stop it; fail unless every delivery arrived
  throng load --url wss://chat.example.org --users 5000 --rate 500/s --slo 'lost==0,direct.p99<50ms' --report load.html
        a server elsewhere, two service levels, and a report to hand on
  throng load --serve auto --users 100000 --scenario idle
        how many sockets this machine holds, and what each costs
  throng load --find-capacity --rate 1000/s --slo 'broadcast.p99<500ms' --json capacity.json
        the highest rate at which the service level holds
  throng load --url wss://chat.example.org --jwt-key private.pem --users 5000
        a server with --auth jwt: each user shows a token that the key has signed for its nick; workers get tokens, not the key
  throng load --workers 192.0.2.7:9000,192.0.2.8:9000 --url ws://192.0.2.1:8888 --users 200000 --ramp 2m
        users on two more machines, each running "throng load worker --listen :9000", the secret in THRONG_KEY

Exit codes: 0 done, 1 failed, 2 usage or config, 3 a service level missed, 4 the load generator itself was the
bottleneck, so that the figures are not the server's.

"throng config default load" prints a file of these settings, "throng config check FILE load" tests one.
`
)
