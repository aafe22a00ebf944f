// Calls a router with net/http as a Go service does, and prints what it read as JSON.
// Usage: main URL KEY
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	answerTokens = 16
	atOnce       = 100
)

type answer struct {
	Text string `json:"text"`
	Meta struct {
		CompletionTokens int `json:"completion_tokens"`
	} `json:"meta_info"`
}

type report struct {
	Protocol  string
	Whole     answer
	Streamed  answer
	Events    int
	Done      bool
	FirstSecs float64
	TotalSecs float64
	AtOnce    int
	WrongKey  int
}

func main() {
	url, key := os.Args[1]+"/generate", os.Args[2]
	var told report
	whole := ask(url, key, body(0, false))
	told.Protocol = whole.Proto
	must(json.NewDecoder(whole.Body).Decode(&told.Whole))
	whole.Body.Close()
	stream(url, key, &told)
	told.AtOnce = askAtOnce(url, key)
	told.WrongKey = status(ask(url, "another", body(0, false)))
	must(json.NewEncoder(os.Stdout).Encode(told))
}

// stream reads the events of an answer as they come.
func stream(url, key string, told *report) {
	started := time.Now()
	response := ask(url, key, body(0, true))
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		switch {
		case !found:
		case data == "[DONE]":
			told.Done = true
		default:
			if told.Events == 0 {
				told.FirstSecs = time.Since(started).Seconds()
			}
			told.Events++
			must(json.Unmarshal([]byte(data), &told.Streamed))
		}
	}
	must(lines.Err())
	told.TotalSecs = time.Since(started).Seconds()
}

// askAtOnce tells how many of the answers to requests at the same time were whole.
func askAtOnce(url, key string) int {
	var all sync.WaitGroup
	counts := make([]int, atOnce)
	for number := range counts {
		all.Add(1)
		go func(number int) {
			defer all.Done()
			response := ask(url, key, body(number, false))
			defer response.Body.Close()
			var one answer
			if json.NewDecoder(response.Body).Decode(&one) == nil && one.Meta.CompletionTokens == answerTokens {
				counts[number] = 1
			}
		}(number)
	}
	all.Wait()
	sum := 0
	for _, count := range counts {
		sum += count
	}
	return sum
}

func body(number int, streamed bool) string {
	const form = `{"text": "%d What is the capital of France?", "stream": %t, "sampling_params": {"max_new_tokens": %d}}`
	return fmt.Sprintf(form, number, streamed, answerTokens)
}

func ask(url, key, body string) *http.Response {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewBufferString(body))
	must(err)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	must(err)
	return response
}

// status reads the answer to its end, so that its connection can be used again.
func status(response *http.Response) int {
	defer response.Body.Close()
	_, err := io.Copy(io.Discard, response.Body)
	must(err)
	return response.StatusCode
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
