package io.bezoar.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SocketPlaceTest {
  @TempDir Path folder = Path.of("");

  private Path deep(int lengthBytes) throws IOException {
    Path deep = folder;
    while (deep.toString().length() < lengthBytes - 40) {
      deep = deep.resolve("x".repeat(20));
    }
    Files.createDirectories(deep);
    return deep.resolve("y".repeat(lengthBytes - deep.toString().length() - 1 - 4) + ".nbd");
  }

  @Test
  void shouldStayBesideThePoolWhereThatFits() throws IOException {
    SocketPlace places = new SocketPlace(Map.of(), folder);
    assertThat(places.place(folder.resolve("p.nbd"))).isEqualTo(folder.resolve("p.nbd"));
    Path longest = deep(SocketPlace.MAX_PATH_BYTES);
    assertThat(places.place(longest)).isEqualTo(longest);
    try (UnixListener listener = UnixListener.bind(longest)) {
      TestClient.connect(listener.path()).close();
    }
  }

  @Test
  void shouldGoToTheRuntimeFolderElse() throws IOException {
    Path wanted = deep(SocketPlace.MAX_PATH_BYTES + 1);
    Path runtime = Files.createDirectory(folder.resolve("run"));
    SocketPlace places = new SocketPlace(Map.of("XDG_RUNTIME_DIR", runtime.toString()), folder);
    Path place = places.place(wanted);
    assertThat(place.getParent()).isEqualTo(runtime.resolve("bezoar"));
    assertThat(place.toString()).endsWith(".nbd");
    assertThat(places.place(wanted)).isEqualTo(place);
    assertThat(places.place(wanted.resolveSibling("other-" + wanted.getFileName())))
        .isNotEqualTo(place);

    Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    Path fallback = new SocketPlace(Map.of("XDG_RUNTIME_DIR", "/no/such"), folder).place(wanted);
    assertThat(fallback.getParent()).isEqualTo(folder.resolve("bezoar-" + uid));
    assertThat(Files.getPosixFilePermissions(folder.resolve("bezoar-" + uid)))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void shouldNotTrustAFolderThatOthersCanEnter() throws IOException {
    Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    Path open = Files.createDirectory(folder.resolve("bezoar-" + uid));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    SocketPlace places = new SocketPlace(Map.of(), folder);
    assertThatThrownBy(() -> places.place(deep(150)))
        .isInstanceOfSatisfying(
            SocketPlaceException.class,
            e -> assertThat(e.placeReason()).isEqualTo(SocketPlaceException.Reason.UNSAFE_FOLDER));
  }

  @Test
  void shouldSayWhatToDoWhenAPathIsTooLong() throws IOException {
    Path tooLong = deep(SocketPlace.MAX_PATH_BYTES + 1);
    assertThatThrownBy(() -> UnixListener.bind(tooLong))
        .isInstanceOf(SocketPlaceException.class)
        .hasMessageContaining("XDG_RUNTIME_DIR")
        .hasMessageContaining("106");
    assertThatThrownBy(() -> UnixListener.bind(folder.resolve("no/such/s")))
        .isInstanceOfSatisfying(
            SocketPlaceException.class,
            e -> assertThat(e.placeReason()).isEqualTo(SocketPlaceException.Reason.NO_FOLDER));
  }

  @Test
  void shouldListenPrivatelyAndLeaveNothingBehind() throws IOException {
    Path path = folder.resolve("s");
    UnixListener listener = UnixListener.bind(path);
    assertThat(Files.getPosixFilePermissions(path))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    assertThat(names()).containsExactly("s");
    TestClient client = TestClient.connect(path);
    listener.accept().close();
    client.close();
    listener.close();
    listener.close();
    assertThat(names()).isEmpty();
    assertThatThrownBy(listener::accept).isInstanceOf(ClosedChannelException.class);
  }

  @Test
  void shouldReplaceAStaleSocketAndNothingElse() throws IOException {
    Path path = folder.resolve("s");
    UnixListener stale = UnixListener.bind(path);
    try (UnixListener listener = UnixListener.bind(path)) {
      stale.close(); // The name is not its own any more: it must not remove it.
      TestClient.connect(listener.path()).close();
    }
    Files.writeString(path, "precious");
    assertThatThrownBy(() -> UnixListener.bind(path))
        .isInstanceOfSatisfying(
            SocketPlaceException.class,
            e -> assertThat(e.placeReason()).isEqualTo(SocketPlaceException.Reason.NOT_A_SOCKET));
    assertThat(path).hasContent("precious");
    assertThat(names()).containsExactly("s");
  }

  private Stream<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).toList().stream();
    }
  }
}
