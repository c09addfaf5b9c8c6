package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;
import org.h2.store.fs.FilePath;
import org.junit.jupiter.api.Test;

/** An H2 database lives in a pool. */
class H2Test {
  private static final int ROWS = 3000;
  private static final String URL = "jdbc:h2:poolofthetest:/db/test;DB_CLOSE_ON_EXIT=FALSE";

  @Test
  void shouldKeepADatabase() throws SQLException, IOException {
    long sum;
    try (PoolRig rig = PoolRig.create(64)) {
      Path folder = Files.createDirectory(rig.root().resolve("db"));
      FilePath path = new H2Path("poolofthetest", rig.root());
      FilePath.register(path);
      try {
        try (Connection connection = DriverManager.getConnection(URL)) {
          sum = fill(connection);
          assertThat(sum(connection)).isEqualTo(sum);
        }
        assertThat(Files.size(folder.resolve("test.mv.db"))).isPositive();
        try (Connection connection = DriverManager.getConnection(URL)) {
          assertThat(sum(connection)).isEqualTo(sum);
          try (Statement statement = connection.createStatement()) {
            statement.execute("create index byname on things(name)");
            statement.execute("backup to 'poolofthetest:/db/backup.zip'");
            statement.execute("delete from things where id % 2 = 0");
            statement.execute("shutdown compact");
          }
        }
        try (Connection connection = DriverManager.getConnection(URL)) {
          assertThat(count(connection)).isEqualTo(ROWS / 2);
        }
        assertThat(Files.size(folder.resolve("backup.zip"))).isPositive();
      } finally {
        FilePath.unregister(path);
      }
    }
  }

  private static long fill(Connection connection) throws SQLException {
    long sum = 0;
    Random random = new Random(1);
    try (Statement statement = connection.createStatement()) {
      statement.execute("create table things(id int primary key, name varchar, amount bigint)");
    }
    connection.setAutoCommit(false);
    try (PreparedStatement insert =
        connection.prepareStatement("insert into things values(?, ?, ?)")) {
      for (int i = 0; i < ROWS; i++) {
        long amount = random.nextInt(1_000_000);
        insert.setInt(1, i);
        insert.setString(2, Long.toHexString(random.nextLong()).repeat(20));
        insert.setLong(3, amount);
        insert.execute();
        sum += amount;
        if (i % 100 == 0) {
          connection.commit();
        }
      }
    }
    connection.commit();
    return sum;
  }

  private static long sum(Connection connection) throws SQLException {
    return number(connection, "select sum(amount) from things");
  }

  private static long count(Connection connection) throws SQLException {
    return number(connection, "select count(*) from things");
  }

  private static long number(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      assertThat(result.next()).isTrue();
      return result.getLong(1);
    }
  }
}
