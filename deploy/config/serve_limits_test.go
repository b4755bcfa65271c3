package config

import "maps"

func init() {
	maps.Copy(serveTexts, map[string]texts{
		"trust-proxy": {[]string{"", "10.0.0.0/8", "192.0.2.7", "::1,fd00::/8", "::ffff:10.0.0.0/104", "0.0.0.0/0"},
			[]string{"10.0.0.0/33", "10/8", "proxy.test", "fe80::1%eth0", "1.2.3.4/", "10.0.0.0/8,", "1.2.3.4:80"}},
		"connect-rate":   {[]string{"0", "0.5", "1e6"}, []string{"", "-1", "1000001"}},
		"connect-burst":  {[]string{"1", "1000000"}, []string{"", "0", "1000001"}},
		"accept-rate":    {[]string{"0", "0.5", "1e6"}, []string{"", "-1", "1000001"}},
		"address-rate":   {[]string{"0", "100"}, []string{"", "-1", "1e8"}},
		"byte-rate":      {[]string{"0", "1e6", "1000000000"}, []string{"", "-1", "1MiB"}},
		"byte-burst":     {[]string{"1", "1MiB", "1GiB"}, []string{"", "0", "2GiB"}},
		"max-memory":     {[]string{"0", "0MiB", "64MiB", "1024GiB"}, []string{"", "-1", "90%", "1", "63MiB", "67108863"}},
		"proxy-protocol": {[]string{"off", "on"}, []string{"", "v1", "true"}},
	})
}
