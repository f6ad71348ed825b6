// Go programs as people write them against Azure, with the official modules as they come. Each check prints one line, and the first
// that does not hold ends the program. `kustody run` says where Azure is: nothing here knows that it is not the real one.
package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

var programs = map[string]func(context.Context){
	"article":  article,
	"identity": identity,
}

func main() {
	if len(os.Args) != 2 || programs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: clients article | identity")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	programs[os.Args[1]](ctx)
}
