package config

import "maps"

func init() {
	maps.Copy(serveTexts, map[string]texts{
		"trust-proxy": {[]string{"", "10.0.0.0/8", "192.0.2.7", "::1,fd00::/8", "::ffff:10.0.0.0/104", "0.0.0.0/0"},
			[]string{"10.0.0.0/33", "10/8", "proxy.test", "fe80::1%eth0", "1.2.3.4/", "10.0.0.0/8,", "1.2.3.4:80"}},
		"proxy-protocol": {[]string{"off", "on"}, []string{"", "v1", "true"}},
	})
}
