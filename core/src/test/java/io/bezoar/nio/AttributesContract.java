package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.AclFileAttributeView;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Attributes, by views and by names. */
abstract class AttributesContract extends ProviderContract {
  private static final FileTime OLD =
      FileTime.from(Instant.parse("2001-02-03T04:05:06.789012345Z"));
  private static final FileTime OLDER = FileTime.from(Instant.parse("1999-01-01T00:00:00.5Z"));

  @Test
  void shouldReadBasicAttributes() throws IOException {
    Path file = file("a", "hello");
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    assertThat(attributes.isRegularFile()).isTrue();
    assertThat(attributes.isDirectory()).isFalse();
    assertThat(attributes.isSymbolicLink()).isFalse();
    assertThat(attributes.isOther()).isFalse();
    assertThat(attributes.size()).isEqualTo(5);
    assertThat(attributes.creationTime()).isNotNull();
    Files.createLink(path("b"), file);
    file("c", "");
    assertThat(Files.readAttributes(path("b"), BasicFileAttributes.class).fileKey())
        .isEqualTo(attributes.fileKey());
    assertThat(Files.readAttributes(path("c"), BasicFileAttributes.class).fileKey())
        .isNotEqualTo(attributes.fileKey());
    assertThat(Files.readAttributes(root, BasicFileAttributes.class).isDirectory()).isTrue();
  }

  private int unix(Path file, String name) throws IOException {
    return (Integer) Files.getAttribute(file, "unix:" + name, LinkOption.NOFOLLOW_LINKS);
  }

  @Test
  void shouldGiveNewFilesTheGroupOfADirectoryThatPassesItOn() throws IOException {
    assumeTrue(unix(Path.of("/proc/self"), "uid") == 0, "only root gives files away");
    Path folder = directory("d");
    Files.setAttribute(folder, "unix:gid", 7);
    Files.setAttribute(folder, "unix:mode", 02755);
    Path file = file("a", "x");
    Path below = directory("d/below");
    for (Path made :
        List.of(
            Files.createFile(folder.resolve("file")),
            link("d/link", "a"),
            Files.copy(file, folder.resolve("copy")),
            below,
            Files.copy(below, folder.resolve("copyOfDirectory")),
            directory("d/below/below"))) {
      assertThat(unix(made, "gid")).as("%s", made).isEqualTo(7);
      boolean isDirectory = Files.isDirectory(made, LinkOption.NOFOLLOW_LINKS);
      assertThat(unix(made, "mode") & 02000).as("%s", made).isEqualTo(isDirectory ? 02000 : 0);
    }
    Files.createLink(folder.resolve("hardLink"), file);
    Files.copy(file, folder.resolve("whole"), StandardCopyOption.COPY_ATTRIBUTES);
    Files.move(file, folder.resolve("moved"));
    for (String name : List.of("hardLink", "whole", "moved")) {
      assertThat(unix(folder.resolve(name), "gid")).as(name).isEqualTo(unix(root, "gid"));
    }
  }

  @Test
  void shouldLeaveAnOwnerThatIsSetToNone() throws IOException {
    Path file = file("a", "x");
    for (String name : List.of("uid", "gid")) {
      int before = unix(file, name);
      Files.setAttribute(file, "unix:" + name, -1);
      assertThat(unix(file, name)).isEqualTo(before);
    }
  }

  @Test
  void shouldReadALinkOrWhatItLeadsTo() throws IOException {
    file("a", "hello");
    Path link = link("l", "a");
    assertThat(Files.readAttributes(link, BasicFileAttributes.class).isRegularFile()).isTrue();
    BasicFileAttributes own =
        Files.readAttributes(link, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    assertThat(own.isSymbolicLink()).isTrue();
    assertThat(own.size()).isEqualTo(1);
    assertThat(Files.getAttribute(link, "isSymbolicLink", LinkOption.NOFOLLOW_LINKS))
        .isEqualTo(true);
  }

  @Test
  void shouldSetTimes() throws IOException {
    Path file = file("a", "x");
    BasicFileAttributeView view = Files.getFileAttributeView(file, BasicFileAttributeView.class);
    assertThat(view.name()).isEqualTo("basic");
    view.setTimes(OLD, OLDER, null);
    assertThat(view.readAttributes().lastModifiedTime()).isEqualTo(OLD);
    assertThat(view.readAttributes().lastAccessTime()).isEqualTo(OLDER);
    view.setTimes(null, null, null);
    view.setTimes(null, OLD, null);
    assertThat(view.readAttributes().lastModifiedTime()).isEqualTo(OLD);
    assertThat(view.readAttributes().lastAccessTime()).isEqualTo(OLD);
    Files.setLastModifiedTime(file, OLDER);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(OLDER);
    Files.setAttribute(file, "lastAccessTime", OLDER);
    assertThat(Files.getAttribute(file, "basic:lastAccessTime")).isEqualTo(OLDER);
    Files.setAttribute(file, "posix:lastModifiedTime", OLD);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(OLD);
  }

  @Test
  void shouldChangeTimesOnItsOwn() throws IOException {
    Path file = file("a", "x");
    Files.setLastModifiedTime(file, OLD);
    Files.setLastModifiedTime(root, OLD);
    Files.writeString(file, "y");
    assertThat(Files.getLastModifiedTime(file)).isGreaterThan(OLD);
    assertThat(Files.getLastModifiedTime(root)).isEqualTo(OLD);
    file("b", "");
    assertThat(Files.getLastModifiedTime(root)).isGreaterThan(OLD);
  }

  @Test
  void shouldSetTimesOfLinks() throws IOException {
    Path file = file("a", "x");
    Path link = link("l", "a");
    Files.getFileAttributeView(link, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .setTimes(OLD, OLD, null);
    assertThat(Files.getLastModifiedTime(link, LinkOption.NOFOLLOW_LINKS)).isEqualTo(OLD);
    assertThat(Files.getLastModifiedTime(file)).isGreaterThan(OLD);
    Files.setLastModifiedTime(link, OLDER);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(OLDER);
  }

  @Test
  void shouldSetPermissions() throws IOException {
    Path file = file("a", "x");
    for (String text : new String[] {"rwxrwxrwx", "---------", "r--r-----", "rw-r--r--"}) {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(text));
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
          .isEqualTo(text);
    }
    Files.setAttribute(file, "posix:permissions", PosixFilePermissions.fromString("rwx------"));
    assertThat((Integer) Files.getAttribute(file, "unix:mode")).isEqualTo(0100700);
    Files.setAttribute(file, "unix:mode", 04755);
    assertThat((Integer) Files.getAttribute(file, "unix:mode")).isEqualTo(0104755);
    assertThat(Files.readAttributes(file, PosixFileAttributes.class).permissions())
        .isEqualTo(PosixFilePermissions.fromString("rwxr-xr-x"));
    assertThat((Integer) Files.getAttribute(directory("d"), "unix:mode") & 0170000)
        .isEqualTo(0040000);
    assertThat(
            (Integer) Files.getAttribute(link("l", "a"), "unix:mode", LinkOption.NOFOLLOW_LINKS)
                & 0170000)
        .isEqualTo(0120000);
  }

  @Test
  void shouldNameOwners() throws IOException {
    Path file = file("a", "x");
    int uid = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    assertThat(Files.getAttribute(file, "unix:uid")).isEqualTo(uid);
    UserPrincipal owner = Files.getOwner(file);
    assertThat(owner.getName()).isEqualTo(Files.getOwner(Path.of("/proc/self")).getName());
    assertThat(Files.getAttribute(file, "owner:owner")).isEqualTo(owner);
    Files.setOwner(file, owner);
    PosixFileAttributeView view = Files.getFileAttributeView(file, PosixFileAttributeView.class);
    GroupPrincipal group = view.readAttributes().group();
    view.setGroup(group);
    view.setOwner(owner);
    assertThat(view.name()).isEqualTo("posix");
    FileOwnerAttributeView owners = Files.getFileAttributeView(file, FileOwnerAttributeView.class);
    assertThat(owners.name()).isEqualTo("owner");
    assertThat(owners.getOwner()).isEqualTo(owner);
    Files.setAttribute(file, "posix:group", group);
    assertThat(Files.getAttribute(file, "posix:group")).isEqualTo(group);
  }

  @Test
  void shouldLookUpPrincipals() throws IOException {
    UserPrincipalLookupService service = root.getFileSystem().getUserPrincipalLookupService();
    assertThat(service.lookupPrincipalByName("root").getName()).isEqualTo("root");
    assertThat(service.lookupPrincipalByName("4711").getName()).isEqualTo("4711");
    assertThat(service.lookupPrincipalByGroupName("root").getName()).isEqualTo("root");
    assertThat(service.lookupPrincipalByName("root"))
        .isEqualTo(service.lookupPrincipalByName("root"))
        .isNotEqualTo(service.lookupPrincipalByGroupName("root"));
    assertThatExceptionOfType(UserPrincipalNotFoundException.class)
        .isThrownBy(() -> service.lookupPrincipalByName("no such user"));
    assertThatExceptionOfType(UserPrincipalNotFoundException.class)
        .isThrownBy(() -> service.lookupPrincipalByGroupName("no such group"));
  }

  @Test
  void shouldReadAttributesByName() throws IOException {
    Path file = file("a", "hello");
    assertThat(Files.readAttributes(file, "size,isDirectory"))
        .isEqualTo(Map.of("size", 5L, "isDirectory", false));
    assertThat(Files.readAttributes(file, "*"))
        .containsOnlyKeys(
            "size",
            "creationTime",
            "lastAccessTime",
            "lastModifiedTime",
            "fileKey",
            "isDirectory",
            "isRegularFile",
            "isSymbolicLink",
            "isOther");
    assertThat(Files.readAttributes(file, "posix:*"))
        .hasSize(12)
        .containsKeys("permissions", "owner", "group", "size");
    Map<String, Object> unix = Files.readAttributes(file, "unix:*");
    assertThat(unix)
        .hasSize(20)
        .containsKeys("mode", "ino", "dev", "rdev", "nlink", "uid", "gid", "ctime", "group");
    assertThat(unix.get("mode")).isInstanceOf(Integer.class);
    assertThat(unix.get("ino")).isInstanceOf(Long.class);
    assertThat(unix.get("dev")).isInstanceOf(Long.class);
    assertThat(unix.get("rdev")).isEqualTo(0L);
    assertThat(unix.get("nlink")).isEqualTo(1);
    assertThat(unix.get("ctime")).isInstanceOf(FileTime.class);
    assertThat(Files.readAttributes(file, "owner:*")).containsOnlyKeys("owner");
    assertThat(Files.readAttributes(file, "basic:size,*")).hasSize(9);
  }

  @Test
  void shouldRefuseUnknownAttributes() throws IOException {
    Path file = file("a", "x");
    assertThatIllegalArgumentException().isThrownBy(() -> Files.readAttributes(file, "no"));
    assertThatIllegalArgumentException().isThrownBy(() -> Files.readAttributes(file, "size,no"));
    assertThatIllegalArgumentException().isThrownBy(() -> Files.readAttributes(file, "posix:mode"));
    assertThatIllegalArgumentException().isThrownBy(() -> Files.readAttributes(file, "basic:"));
    assertThatIllegalArgumentException().isThrownBy(() -> Files.readAttributes(file, ""));
    assertThatIllegalArgumentException().isThrownBy(() -> Files.setAttribute(file, "size", 1L));
    assertThatIllegalArgumentException().isThrownBy(() -> Files.setAttribute(file, "unix:ino", 1L));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Files.readAttributes(file, "acl:*"));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Files.setAttribute(file, "no:such", 1));
    assertThatExceptionOfType(ClassCastException.class)
        .isThrownBy(() -> Files.setAttribute(file, "lastModifiedTime", 1));
    assertThatNullPointerException()
        .isThrownBy(() -> Files.setAttribute(file, "posix:permissions", null));
    assertThat(Files.getFileAttributeView(file, AclFileAttributeView.class)).isNull();
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Files.readAttributes(file, BasicFileAttributesOfNobody.class));
  }

  /** Attributes that no provider knows. */
  interface BasicFileAttributesOfNobody extends BasicFileAttributes {}

  @Test
  void shouldKeepUserDefinedAttributes() throws IOException {
    Path file = file("a", "x");
    UserDefinedFileAttributeView view =
        Files.getFileAttributeView(file, UserDefinedFileAttributeView.class);
    assertThat(view.name()).isEqualTo("user");
    assertThat(view.list()).isEmpty();
    ByteBuffer value = StandardCharsets.UTF_8.encode("red");
    assertThat(view.write("colour", value)).isEqualTo(3);
    assertThat(value.hasRemaining()).isFalse();
    Files.setAttribute(file, "user:shape", ByteBuffer.wrap(new byte[] {1, 2}));
    Files.setAttribute(file, "user:none", new byte[0]);
    Files.setAttribute(file, "user:a/b", new byte[] {3});
    assertThat((byte[]) Files.getAttribute(file, "user:a/b")).containsExactly(3);
    assertThat(view.list()).containsExactlyInAnyOrder("a/b", "colour", "shape", "none");
    assertThat(view.size("colour")).isEqualTo(3);
    assertThat(view.size("none")).isZero();
    ByteBuffer read = ByteBuffer.allocate(10);
    assertThat(view.read("colour", read)).isEqualTo(3);
    assertThat(StandardCharsets.UTF_8.decode(read.flip()).toString()).isEqualTo("red");
    assertThat(Files.readAttributes(file, "user:*"))
        .containsOnlyKeys("a/b", "colour", "shape", "none");
    assertThat((byte[]) Files.getAttribute(file, "user:shape")).containsExactly(1, 2);
    view.delete("colour");
    assertThat(view.list()).containsExactlyInAnyOrder("a/b", "shape", "none");
    assertThatExceptionOfType(FileSystemException.class).isThrownBy(() -> view.delete("colour"));
    assertThatExceptionOfType(FileSystemException.class).isThrownBy(() -> view.size("colour"));
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> view.read("colour", ByteBuffer.allocate(10)));
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> view.read("shape", ByteBuffer.allocate(1)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> view.read("shape", ByteBuffer.allocate(9).asReadOnlyBuffer()));
  }

  @Test
  void shouldSupportTheViewsItSays() throws IOException {
    assertThat(root.getFileSystem().supportedFileAttributeViews())
        .contains("basic", "posix", "owner", "unix", "user");
    assertThat(Files.getFileStore(root).supportsFileAttributeView("user")).isTrue();
  }
}
