// Command go-peer is a peer of go-libp2p for the interop tests: it does what one line of JSON on standard input asks and answers with one line on standard output.
// It ends when its input ends. It must never reach beyond what it is told to dial: no bootstrap, no discovery unless it is asked for, no port mapping.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	libp2pwebrtc "github.com/libp2p/go-libp2p/p2p/transport/webrtc"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
)

// What one request may take: longer than any wait inside go-libp2p that these tests meet.
const requestTimeout = 30 * time.Second

// Bytes of one line from the tests; addresses and a few numbers.
const maxLine = 64 * 1024

type request struct {
	ID    int    `json:"id"`
	Do    string `json:"do"`
	Addr  string `json:"addr"`
	Peer  string `json:"peer"`
	Bytes int    `json:"bytes"`
	// Whether a connection with a limit may carry the stream.
	Limited bool `json:"limited"`
}

type answer struct {
	ID    int    `json:"id"`
	Error string `json:"error,omitempty"`
	Value any    `json:"value,omitempty"`
}

func main() {
	listen := flag.String("listen", "", "multiaddrs to listen on, separated by commas")
	version := flag.Int("webrtc-direct", 1, "version of the webrtc-direct handshake to dial with: 1 or 2")
	hop := flag.Bool("relay", false, "be a relay for others, without limits")
	lan := flag.String("mdns", "", "announce on the LAN: 'wait' to be dialled, 'dial' to dial who is found")
	flag.Parse()
	if err := run(*listen, *version, *hop, *lan); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(listen string, version int, hop bool, lan string) error {
	peer, err := newHost(listen, version, hop)
	if err != nil {
		return err
	}
	defer peer.Close()
	serveEcho(peer)
	if lan != "" {
		service := mdns.NewMdnsService(peer, "", found{peer: peer, dials: lan == "dial"})
		if err := service.Start(); err != nil {
			return err
		}
		defer service.Close()
	}
	out := &writer{encoder: json.NewEncoder(os.Stdout)}
	addresses := make([]string, 0)
	for _, address := range peer.Addrs() {
		addresses = append(addresses, address.String()+"/p2p/"+peer.ID().String())
	}
	out.write(answer{Value: map[string]any{"peer": peer.ID().String(), "addresses": addresses}})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return err
		}
		go func() { out.write(serve(peer, asked)) }()
	}
	return lines.Err()
}

// found is told whom mDNS found.
type found struct {
	peer  host.Host
	dials bool
}

func (f found) HandlePeerFound(info peer.AddrInfo) {
	if !f.dials {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	_ = f.peer.Connect(ctx, info)
}

func newHost(listen string, version int, hop bool) (host.Host, error) {
	addresses := libp2p.NoListenAddrs
	if listen != "" {
		addresses = libp2p.ListenAddrStrings(strings.Split(listen, ",")...)
	}
	role := libp2p.EnableRelay()
	if hop {
		// Without being told so it would first have to find out that it can be reached.
		role = libp2p.ChainOptions(role, libp2p.ForceReachabilityPublic(), libp2p.EnableRelayService(relay.WithInfiniteLimits()))
	}
	return libp2p.New(
		addresses,
		role,
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(websocket.New),
		libp2p.Transport(libp2pwebrtc.New, libp2pwebrtc.WithDialerVersion(version)),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.Ping(true),
		libp2p.DisableMetrics(),
		libp2p.UserAgent("go-peer"),
	)
}

func serve(peer host.Host, asked request) answer {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	command, known := commands[asked.Do]
	if !known {
		return answer{ID: asked.ID, Error: "unknown command " + asked.Do}
	}
	value, err := command(ctx, peer, asked)
	if err != nil {
		return answer{ID: asked.ID, Error: err.Error()}
	}
	return answer{ID: asked.ID, Value: value}
}

// writer keeps answers of requests that run side by side from mixing.
type writer struct {
	mutex   sync.Mutex
	encoder *json.Encoder
}

func (w *writer) write(one answer) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	_ = w.encoder.Encode(one)
}
