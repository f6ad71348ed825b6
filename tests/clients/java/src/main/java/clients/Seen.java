package clients;

import com.azure.core.exception.HttpResponseException;
import com.azure.core.management.exception.ManagementException;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Callable;

/** What a program saw: a line each, and the end of the program where it is not what it should be. */
final class Seen {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private Seen() {
  }

  static void check(String what, Object expected, Object found) {
    if (!expected.equals(found))
      throw new IllegalStateException("%s: expected '%s', saw '%s'".formatted(what, expected, found));
    System.out.println(what + ": " + found);
  }

  /** Asks until the answer is there: what a service does after its answer has no end that a client is told. */
  static void comesTo(String what, String expected, Callable<String> ask) throws Exception {
    final Instant end = Instant.now().plus(PATIENCE);
    String found = ask.call();
    while (!expected.equals(found) && Instant.now().isBefore(end)) {
      Thread.sleep(100);
      found = ask.call();
    }
    check(what, expected, found);
  }

  /** The status and code of a refusal, or `answered`. */
  static String refusal(Callable<?> call) throws Exception {
    try {
      call.call();
      return "answered";
    } catch (ManagementException error) {
      return error.getResponse().getStatusCode() + " " + error.getValue().getCode();
    } catch (HttpResponseException error) {
      return error.getResponse().getStatusCode() + " " + error.getMessage();
    }
  }
}
