package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.Exit;
import java.util.List;
import org.junit.jupiter.api.Test;

class HelpTextTest {
  @Test
  void shouldJoinLinesToParagraphsThatEndWithSentences() {
    assertThat(
            HelpText.paragraphs(
                List.of(
                    "Show it. Of a part",
                    "it shows that part.",
                    "With --json,",
                    "JSON:",
                    "  kept as",
                    "  it is",
                    "",
                    "The end.")))
        .containsExactly(
            "Show it.",
            "Of a part it shows that part.",
            "With --json, JSON:",
            "  kept as",
            "  it is",
            "",
            "The end.");
    assertThat(HelpText.paragraphs(List.of())).isEmpty();
  }

  @Test
  void shouldListCommandsWithWholeSentences() {
    Cli cli = new Cli();
    assertThat(cli.run("help")).isEqualTo(Exit.OK);
    String commands =
        cli.out().substring(cli.out().indexOf("Commands:\n"), cli.out().indexOf("\n\nStart with"));
    List<String> entries = commands.lines().skip(1).toList();
    for (int i = 0; i < entries.size(); i++) {
      boolean last = i + 1 == entries.size() || !entries.get(i + 1).startsWith("    ");
      if (last) {
        assertThat(entries.get(i)).matches(".*[.:]");
      }
    }
  }

  @Test
  void shouldHelpWithCommandsOfCommands() {
    Cli cli = new Cli();
    assertThat(cli.run("help", "snapshot", "create")).isEqualTo(Exit.OK);
    assertThat(cli.out()).contains("Usage: bezoar snapshot create").contains("Example:");
    String whole = cli.out();
    assertThat(cli.run("snapshot", "help", "create")).isEqualTo(Exit.OK);
    assertThat(cli.out()).isEqualTo(whole);
    assertThat(cli.run("help", "snapshot", "crate")).isEqualTo(Exit.USAGE);
    assertThat(cli.err()).contains("no such command: snapshot crate", "create");
  }
}
