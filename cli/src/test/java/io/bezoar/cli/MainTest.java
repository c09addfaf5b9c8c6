package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.Exit;
import org.junit.jupiter.api.Test;

class MainTest {
  @Test
  void shouldPrintVersionOfBezoarAndOfTheJvm() {
    Cli cli = new Cli();
    assertThat(cli.run("version")).isZero();
    assertThat(cli.out())
        .matches("bezoar \\d+\\.\\d+\\.\\d+\\S* \\(JDK \\d+.*\\)\\R")
        .contains(Runtime.version().toString());
  }

  @Test
  void shouldAnswerWrongUsageWithItsExitCode() {
    Cli cli = new Cli();
    assertThat(cli.run("no-such-command")).isEqualTo(Exit.USAGE);
    assertThat(cli.err()).contains("no-such-command");
    assertThat(cli.run("create", "--mirror", "x.img", "y.img")).isEqualTo(Exit.USAGE);
    assertThat(cli.err()).contains("--size");
    assertThat(cli.run("create", "x.pool", "--size", "many")).isEqualTo(Exit.USAGE);
    assertThat(cli.err()).contains("not a size").contains("64M");
    assertThat(cli.run("bad")).isEqualTo(Exit.USAGE);
    assertThat(cli.run("bad", "inject", "x.pool", "--kind", "rust")).isEqualTo(Exit.USAGE);
  }

  @Test
  void shouldSayLastWhatIsWrongAndInFewWords() {
    Cli cli = new Cli();
    for (String[] wrong :
        new String[][] {
          {"ls", "-7", "x.pool:/"},
          {"ls", "-lz", "x.pool:/"},
          {"ls", "--colour", "x.pool:/"},
          {"cp", "-Z", "a", "x.pool:/"},
        }) {
      assertThat(cli.run(wrong)).isEqualTo(Exit.USAGE);
      assertThat(cli.err().lines().toList())
          .hasSize(2)
          .satisfies(
              lines -> assertThat(lines.getFirst()).startsWith("bezoar: ").contains("option: '-"))
          .last()
          .isEqualTo("  see: bezoar help " + wrong[0]);
    }
    assertThat(cli.run("snapshot")).isEqualTo(Exit.USAGE);
    assertThat(cli.err())
        .isEqualTo("bezoar: Missing: create, list or delete\n  see: bezoar help snapshot\n");
    assertThat(cli.run("snapshot", "create")).isEqualTo(Exit.USAGE);
    assertThat(cli.err()).endsWith("  see: bezoar help snapshot create\n");
    assertThat(cli.run()).isEqualTo(Exit.USAGE);
    assertThat(cli.err()).startsWith("Usage: bezoar").contains("Commands:");
  }

  @Test
  void shouldExplainEveryCommand() {
    Cli cli = new Cli();
    assertThat(cli.run("help")).isZero();
    assertThat(cli.out())
        .contains("serve", "create", "status", "bad", "scrub", "events", "doctor", "bench", "test")
        .contains("probe", "salvage");
    for (String command :
        new String[] {
          "serve", "create", "status", "scrub", "events", "doctor", "bad", "probe", "salvage"
        }) {
      assertThat(cli.run("help", command)).isZero();
      assertThat(cli.run(command, "--help")).isZero();
    }
    for (String command :
        new String[] {
          "ls", "cp", "mv", "rm", "mkdir", "rmdir", "ln", "stat", "cat", "df", "du", "owners",
          "check"
        }) {
      assertThat(cli.run("help", command)).isZero();
      assertThat(cli.out()).contains("Example", "--json", "--help");
      assertThat(cli.run(command, "--help")).isZero();
    }
    for (String command : new String[] {"create", "list", "delete"}) {
      assertThat(cli.run("snapshot", "help", command)).isZero();
      assertThat(cli.out()).contains("Example:");
    }
    for (String command :
        new String[] {
          "list", "attach", "detach", "offline", "online", "replace", "evacuate", "spare", "wait"
        }) {
      assertThat(cli.run("device", "help", command)).isZero();
      assertThat(cli.out()).contains("Example");
    }
    for (String command : new String[] {"list", "inject", "clear"}) {
      assertThat(cli.run("bad", "help", command)).isZero();
      assertThat(cli.out()).contains("Examples:");
    }
  }

  @Test
  void shouldShowWhereAnErrorCameFromOnlyWhenAsked() {
    Cli cli = new Cli();
    assertThat(cli.run("status", "/no/such.pool")).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).doesNotContain("\tat ").contains("/no/such.pool");
    assertThat(cli.run("status", "/no/such.pool", "--debug")).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).contains("\tat ");
  }
}
