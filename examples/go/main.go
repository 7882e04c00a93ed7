// Produces ten records with generated code only, then replays them from an offset and from a time.
//
//	go run . [ADDRESS] [TOPIC]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	varve "example.com/varve-replay/varve/v1"
)

const noon = 1_451_649_600_000 // 2016-01-01T12:00:00Z; one record a minute from there

func main() {
	address, topic := argument(1, "127.0.0.1:9094"), argument(2, "go-demo")
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer connection.Close()
	ctx, client := context.Background(), varve.NewLogClient(connection)

	partitions := int32(1)
	_, err = varve.NewAdminClient(connection).CreateTopic(ctx, &varve.CreateTopicRequest{Topic: topic, Partitions: &partitions})
	if status.Code(err) != codes.AlreadyExists {
		check(err)
	}

	request := &varve.ProduceRequest{Topic: topic}
	for n := range 10 {
		time := int64(noon + n*60_000)
		request.Records = append(request.Records, &varve.Record{
			Key: fmt.Appendf(nil, "sensor-%d", n%3), Value: fmt.Appendf(nil, "reading %d", n), TimestampMs: &time,
		})
	}
	response, err := client.Produce(ctx, request)
	check(err)
	result := response.Results[0]
	fmt.Printf("produced offsets %d to %d: %s, on %d disk(s)\n",
		result.BaseOffset, result.LastOffset, result.Ack.Level, result.Ack.DurableReplicas)

	fmt.Println("from the eighth record's offset")
	replay(ctx, client, topic, &varve.Position{Position: &varve.Position_Offset{Offset: result.BaseOffset + 7}})
	fmt.Println("from 12:06")
	replay(ctx, client, topic, &varve.Position{Position: &varve.Position_TimeMs{TimeMs: noon + 6*60_000}})
}

// replay prints what is there now, then stops.
func replay(ctx context.Context, client varve.LogClient, topic string, start *varve.Position) {
	end := &varve.End{End: &varve.End_LatestAtStart{LatestAtStart: true}}
	stream, err := client.Consume(ctx, &varve.ConsumeRequest{Topic: topic, Start: start, End: end})
	check(err)
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return
		}
		check(err)
		for _, record := range message.Records {
			fmt.Printf("  %d %d %s %s\n", record.Offset, record.GetTimestampMs(), record.Key, record.Value)
		}
	}
}

func argument(at int, otherwise string) string {
	if len(os.Args) > at {
		return os.Args[at]
	}
	return otherwise
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
