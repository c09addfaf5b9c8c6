package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.PoolRef;
import io.bezoar.cli.control.Served;
import io.bezoar.media.MediaChoice;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A pool of files in a folder, and ways to ask for something that are short to write. */
abstract class FilesFixture {
  /** Who has the pool. */
  enum Had {
    BY_NOBODY,
    BY_A_SERVER
  }

  @TempDir(factory = InMemory.class)
  Path folder;

  final Cli cli = new Cli();
  String pool = "";

  @BeforeEach
  void setUp() {
    pool = at("a.pool");
    ok("create", pool, "--fs", "--size", "32M", "--sparse");
  }

  String at(String name) {
    return folder.resolve(name).toString();
  }

  void ok(String... command) {
    expect(Exit.OK, command);
  }

  void expect(int exit, String... command) {
    assertThat(cli.run(command))
        .as("%s\n%s%s", Arrays.asList(command), cli.out(), cli.err())
        .isEqualTo(exit);
  }

  void fails(int exit, String words, String... command) {
    expect(exit, command);
    assertThat(cli.err()).as("%s", Arrays.asList(command)).contains(words);
    assertThat(cli.err().lines()).hasSizeLessThanOrEqualTo(2);
  }

  JsonNode json(String... command) {
    ok(command);
    return cli.json().getFirst();
  }

  List<String> lines(String... command) {
    ok(command);
    return cli.out().lines().toList();
  }

  AutoCloseable had(Had had) throws Exception {
    return had == Had.BY_NOBODY ? () -> {} : serve(Served.Mode.READ_WRITE);
  }

  Server serve(Served.Mode mode) throws IOException, InterruptedException {
    return Server.start(PoolRef.of(Path.of(pool)), mode, MediaChoice.AUTO);
  }

  Path local(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  String in(String path) {
    return pool + ":" + path;
  }

  void put(String path, String content) throws IOException {
    Path file = local("put", content);
    ok("cp", file.toString(), in(path));
    Files.delete(file);
  }

  String get(String path) {
    ok("cat", in(path));
    return new String(cli.bytes(), StandardCharsets.UTF_8);
  }

  void check() {
    ok("check", pool);
    assertThat(cli.out()).contains("every structure is whole");
  }
}
