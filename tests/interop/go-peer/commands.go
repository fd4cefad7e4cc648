// What the tests can ask of the peer. Each command ends with its context and leaves no stream behind.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

// The echo protocol of DMesh: every byte comes back, the half-close included.
const echoProtocol = "/dmesh/echo/1.0.0"

type command func(ctx context.Context, self host.Host, asked request) (any, error)

var commands = map[string]command{
	"dial":        dial,
	"connections": connections,
	"ping":        pingPeer,
	"identify":    identify,
	"echo":        echo,
	"reserve":     reserve,
	"hang-up":     hangUp,
}

// dial connects to exactly this address, whatever else is known of the peer.
func dial(ctx context.Context, self host.Host, asked request) (any, error) {
	info, err := peer.AddrInfoFromString(asked.Addr)
	if err != nil {
		return nil, err
	}
	// What identify told is forgotten, or a faster address of the same peer would win.
	self.Peerstore().ClearAddrs(info.ID)
	// Without it a limited circuit would not count as a connection.
	ctx = network.WithAllowLimitedConn(ctx, "interop")
	if err := self.Connect(ctx, *info); err != nil {
		return nil, err
	}
	return info.ID.String(), nil
}

func connections(_ context.Context, self host.Host, asked request) (any, error) {
	id, err := peer.Decode(asked.Peer)
	if err != nil {
		return nil, err
	}
	list := make([]map[string]any, 0)
	for _, one := range self.Network().ConnsToPeer(id) {
		list = append(list, map[string]any{
			"address":  one.RemoteMultiaddr().String(),
			"inbound":  one.Stat().Direction == network.DirInbound,
			"limited":  one.Stat().Limited,
			"muxer":    string(one.ConnState().StreamMultiplexer),
			"security": string(one.ConnState().Security),
		})
	}
	return list, nil
}

func pingPeer(ctx context.Context, self host.Host, asked request) (any, error) {
	id, err := peer.Decode(asked.Peer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	result, open := <-ping.Ping(ctx, self, id)
	if !open {
		return nil, errors.New("ping ended without an answer")
	}
	return float64(result.RTT) / float64(time.Millisecond), result.Error
}

// identify says what the peer told about itself; the exchange itself runs with each new connection.
func identify(ctx context.Context, self host.Host, asked request) (any, error) {
	id, err := peer.Decode(asked.Peer)
	if err != nil {
		return nil, err
	}
	protocols, err := self.Peerstore().GetProtocols(id)
	if err != nil {
		return nil, err
	}
	agent, err := self.Peerstore().Get(id, "AgentVersion")
	if err != nil {
		return nil, err
	}
	addresses := make([]string, 0)
	for _, address := range self.Peerstore().Addrs(id) {
		addresses = append(addresses, address.String())
	}
	return map[string]any{"agent": agent, "protocols": protocols, "addresses": addresses}, ctx.Err()
}

// echo sends random bytes, half-closes, and says how many came back; other bytes than the sent ones are an error.
func echo(ctx context.Context, self host.Host, asked request) (any, error) {
	id, err := peer.Decode(asked.Peer)
	if err != nil {
		return nil, err
	}
	if asked.Limited {
		ctx = network.WithAllowLimitedConn(ctx, "interop")
	}
	stream, err := self.NewStream(network.WithNoDial(ctx, "interop"), id, echoProtocol)
	if err != nil {
		return nil, err
	}
	defer stream.Reset()
	if deadline, has := ctx.Deadline(); has {
		_ = stream.SetDeadline(deadline)
	}
	sent := make([]byte, asked.Bytes)
	_, _ = rand.Read(sent)
	written := make(chan error, 1)
	go func() {
		_, err := stream.Write(sent)
		if err == nil {
			err = stream.CloseWrite()
		}
		written <- err
	}()
	back, err := io.ReadAll(stream)
	if err != nil {
		return nil, err
	}
	if err := <-written; err != nil {
		return nil, err
	}
	if !bytes.Equal(sent, back) {
		return nil, fmt.Errorf("%d bytes came back, not the %d that were sent", len(back), len(sent))
	}
	return len(back), nil
}

// serveEcho lets limited connections in as well: whether one may carry it is for the side that opens to say.
func serveEcho(self host.Host) {
	self.SetStreamHandler(echoProtocol, func(stream network.Stream) {
		if _, err := io.Copy(stream, stream); err != nil {
			_ = stream.Reset()
			return
		}
		_ = stream.Close()
	})
}

// reserve asks a relay for a place and says what the relay promised; 0 = no limit.
func reserve(ctx context.Context, self host.Host, asked request) (any, error) {
	info, err := peer.AddrInfoFromString(asked.Addr)
	if err != nil {
		return nil, err
	}
	place, err := client.Reserve(ctx, self, *info)
	if err != nil {
		return nil, err
	}
	addresses := make([]string, 0)
	for _, address := range place.Addrs {
		addresses = append(addresses, address.String())
	}
	voucher := place.Voucher != nil && place.Voucher.Relay == info.ID && place.Voucher.Peer == self.ID()
	return map[string]any{
		"seconds":   time.Until(place.Expiration).Seconds(),
		"addresses": addresses,
		"voucher":   voucher,
		"limits":    map[string]any{"seconds": place.LimitDuration.Seconds(), "bytes": place.LimitData},
	}, nil
}

func hangUp(_ context.Context, self host.Host, asked request) (any, error) {
	id, err := peer.Decode(asked.Peer)
	if err != nil {
		return nil, err
	}
	return true, self.Network().ClosePeer(id)
}
