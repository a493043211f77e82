package httpapi

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/realclientip/realclientip-go"
)

// Proxies are whom we believe when they say which client a request comes from, and how they say so. Headers of anybody else
// count for nothing: everybody can write them.
type Proxies struct {
	trusted  []net.IPNet
	strategy realclientip.RightmostTrustedRangeStrategy
}

// NewProxies believes proxies at some addresses or networks (10.0.0.0/8) in one header, X-Forwarded-For or Forwarded: the
// other one a proxy may hand on as its client wrote it.
func NewProxies(header string, networks []string) (*Proxies, error) {
	if len(networks) == 0 {
		return nil, nil //nolint:nilnil // nobody is believed
	}
	trusted, err := realclientip.AddressesAndRangesToIPNets(networks...)
	if err != nil {
		return nil, err
	}
	strategy, err := realclientip.NewRightmostTrustedRangeStrategy(header, trusted)
	return &Proxies{trusted, strategy}, err
}

// address is that of the client of a request: the one that connects or, if that is a proxy of ours, the last one that the
// proxies name which is none of them.
func (p *Proxies) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if p == nil {
		return host
	}
	ip := net.ParseIP(host)
	for _, network := range p.trusted {
		if network.Contains(ip) {
			if client := p.strategy.ClientIP(r.Header, r.RemoteAddr); client != "" {
				return client
			}
			break
		}
	}
	return host
}

// clientOf is the client that a request comes from: an address; of IPv6 the network, all of which one client has.
func (s *server) clientOf(r *http.Request) string {
	host := s.Proxies.address(r)
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if address = address.Unmap(); address.Is6() {
		if network, err := address.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.String()
}
