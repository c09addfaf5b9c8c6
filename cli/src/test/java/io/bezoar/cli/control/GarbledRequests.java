package io.bezoar.cli.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import tools.jackson.core.JacksonException;

/** Lines that were requests once: each is a request still, or refused by one type of exception. */
final class GarbledRequests {
  private static final int LINES = 20_000;

  private GarbledRequests() {}

  static void check(Class<?> test, List<? extends Request> requests) {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    String replay =
        "replay: mvn -pl cli -am test -Dtest=" + test.getSimpleName() + " -Dbezoar.seed=" + seed;
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < LINES; i++) {
      Request request = requests.get(random.nextInt(requests.size()));
      StringBuilder line = new StringBuilder(Json.line(RequestCodec.encode(request)));
      for (int changes = 1 + random.nextInt(3); changes > 0 && !line.isEmpty(); changes--) {
        int at = random.nextInt(line.length());
        if (random.nextBoolean()) {
          line.setCharAt(at, "0-9\",:{}/\0az\u00e9".charAt(random.nextInt(12)));
        } else {
          line.deleteCharAt(at);
        }
      }
      try {
        Request read = RequestCodec.decode(Json.parse(line.toString()));
        String again = Json.line(RequestCodec.encode(read));
        assertThat(RequestCodec.decode(Json.parse(again))).as(replay).isEqualTo(read);
      } catch (BadRequestException | JacksonException refused) {
        assertThat(refused.getMessage()).as(replay).isNotNull();
      } catch (RuntimeException e) {
        throw new AssertionError(replay + "\n" + line, e);
      }
    }
  }
}
