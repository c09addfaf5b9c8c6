package io.bezoar.nio;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Users and groups. A pool keeps their numbers; this host's files of accounts give names to some,
 * and the others are called by their numbers. What other sources of accounts know (a directory
 * server, say) is not asked.
 *
 * <p>Read once, when somebody first asks for a name. Thread-safe.
 */
final class Accounts extends UserPrincipalLookupService {
  private static final System.Logger LOG = System.getLogger(Accounts.class.getName());

  private final Path folder;
  private volatile @Nullable Table users;
  private volatile @Nullable Table groups;

  /**
   * @param folder where {@code passwd} and {@code group} are
   */
  Accounts(Path folder) {
    this.folder = folder;
  }

  /** A user: the same as another of the same number. */
  record User(int id, String name) implements UserPrincipal {
    @Override
    public String getName() {
      return name;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof User user && user.id == id;
    }

    @Override
    public int hashCode() {
      return id;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** A group: the same as another of the same number. */
  record Group(int id, String name) implements GroupPrincipal {
    @Override
    public String getName() {
      return name;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Group group && group.id == id;
    }

    @Override
    public int hashCode() {
      return ~id;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private record Table(Map<String, Integer> ids, Map<Integer, String> names) {
    String name(int id) {
      return names.getOrDefault(id, Integer.toUnsignedString(id));
    }

    int id(String name) throws UserPrincipalNotFoundException {
      Integer known = ids.get(name);
      if (known != null) {
        return known;
      }
      try {
        return Integer.parseUnsignedInt(name);
      } catch (NumberFormatException e) {
        UserPrincipalNotFoundException unknown = new UserPrincipalNotFoundException(name);
        unknown.initCause(e);
        throw unknown;
      }
    }
  }

  private Table users() {
    Table known = users;
    if (known == null) {
      known = read("passwd");
      users = known;
    }
    return known;
  }

  private Table groups() {
    Table known = groups;
    if (known == null) {
      known = read("group");
      groups = known;
    }
    return known;
  }

  /** Lines of {@code name:password:number:...}; the first of a name or number counts. */
  private Table read(String file) {
    Table table = new Table(new HashMap<>(), new HashMap<>());
    try {
      String text = Files.readString(folder.resolve(file), StandardCharsets.ISO_8859_1);
      for (String line : text.lines().toList()) {
        String[] fields = line.split(":", 4);
        if (fields.length > 2 && fields[2].matches("[0-9]{1,10}")) {
          int id = (int) Long.parseLong(fields[2]);
          table.ids.putIfAbsent(fields[0], id);
          table.names.putIfAbsent(id, fields[0]);
        }
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "no names in " + file + ": numbers are shown instead", e);
    }
    return table;
  }

  User user(int uid) {
    return new User(uid, users().name(uid));
  }

  Group group(int gid) {
    return new Group(gid, groups().name(gid));
  }

  @Override
  public UserPrincipal lookupPrincipalByName(String name) throws IOException {
    return user(users().id(Objects.requireNonNull(name)));
  }

  @Override
  public GroupPrincipal lookupPrincipalByGroupName(String group) throws IOException {
    return group(groups().id(Objects.requireNonNull(group)));
  }

  /**
   * The number of a user; one of another provider is known by its name.
   *
   * @throws IOException when it is a group
   * @throws ProviderMismatchException when nobody here is called so
   */
  int uid(UserPrincipal user) throws IOException {
    return switch (Objects.requireNonNull(user)) {
      case User ours -> ours.id;
      case GroupPrincipal group -> throw new IOException("a group cannot own a file: " + group);
      default -> foreign(users(), user);
    };
  }

  /**
   * The number of a group.
   *
   * @throws ProviderMismatchException when no group here is called so
   */
  int gid(GroupPrincipal group) {
    return Objects.requireNonNull(group) instanceof Group ours ? ours.id : foreign(groups(), group);
  }

  private static int foreign(Table table, UserPrincipal principal) {
    try {
      return table.id(principal.getName());
    } catch (UserPrincipalNotFoundException e) {
      ProviderMismatchException unknown =
          new ProviderMismatchException("nobody here is called " + principal.getName());
      unknown.initCause(e);
      throw unknown;
    }
  }
}
