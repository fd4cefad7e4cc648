// Command go-peer is a peer of go-libp2p for the interop tests: it does what one line of JSON on standard input asks and answers with one line on standard output.
// It ends when its input ends. It must never reach beyond what it is told to dial: no bootstrap, no discovery, no port mapping.
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
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
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
	flag.Parse()
	if err := run(*listen, *version); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(listen string, version int) error {
	peer, err := newHost(listen, version)
	if err != nil {
		return err
	}
	defer peer.Close()
	serveEcho(peer)
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

func newHost(listen string, version int) (host.Host, error) {
	addresses := libp2p.NoListenAddrs
	if listen != "" {
		addresses = libp2p.ListenAddrStrings(strings.Split(listen, ",")...)
	}
	return libp2p.New(
		addresses,
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(websocket.New),
		libp2p.Transport(libp2pwebrtc.New, libp2pwebrtc.WithDialerVersion(version)),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.EnableRelay(),
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
