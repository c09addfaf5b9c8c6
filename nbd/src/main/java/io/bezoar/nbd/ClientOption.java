package io.bezoar.nbd;

import java.util.List;

/** One option of the handshake, understood; the strings are as the client sent them. */
sealed interface ClientOption {

  /** The number of the option, which its replies repeat. */
  int code();

  /** Use this export, with the old answer that knows no errors. */
  record ExportName(String name) implements ClientOption {
    @Override
    public int code() {
      return NbdLayout.OPT_EXPORT_NAME;
    }
  }

  /** Good-bye. */
  record Abort() implements ClientOption {
    @Override
    public int code() {
      return NbdLayout.OPT_ABORT;
    }
  }

  /** Which exports are there? */
  record ListExports() implements ClientOption {
    @Override
    public int code() {
      return NbdLayout.OPT_LIST;
    }
  }

  /** Tell me about this export ({@code code} INFO), and let me use it (GO). */
  record Describe(int code, String name, List<Integer> wanted) implements ClientOption {
    public Describe {
      wanted = List.copyOf(wanted);
    }
  }

  /** Answer in chunks from now on. */
  record StructuredReply() implements ClientOption {
    @Override
    public int code() {
      return NbdLayout.OPT_STRUCTURED_REPLY;
    }
  }

  /** Which metadata contexts are there ({@code code} LIST), or: report these (SET). */
  record MetaContexts(int code, String name, List<String> queries) implements ClientOption {
    public MetaContexts {
      queries = List.copyOf(queries);
    }
  }

  /** An option that this server does not have. */
  record Unsupported(int code) implements ClientOption {}

  /** A known option whose data makes no sense. */
  record Malformed(int code, String why) implements ClientOption {}
}
