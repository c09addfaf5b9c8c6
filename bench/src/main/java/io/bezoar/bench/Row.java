package io.bezoar.bench;

import java.io.IOException;
import java.util.List;

/** One row of the table of targets. */
interface Row {
  /** Every row that can be measured, in the order in which they are. */
  List<Row> ALL =
      List.of(
          new ReadRow(1, ReadSize.PAGE),
          new ReadRow(2, ReadSize.MEBIBYTE),
          new FileReadRow(1, ReadSize.PAGE),
          new FileReadRow(2, ReadSize.MEBIBYTE),
          new ErrorManagementRow(),
          new WriteRow(),
          new DurableWriteRow(),
          new ScrubRow(),
          new RepairRow(),
          new MirrorRepairRow(),
          new FirstReadRow(),
          new MirrorFirstReadRow(),
          new OwnersRow(),
          new StormRow(),
          new StackStormRow(),
          new LossRow(),
          new ProviderRow(),
          new OpenRow(),
          new CheckRow(),
          new ServedRow(),
          new SpaceRow(),
          new GuardRow(),
          new SidecarRow(),
          new LuceneRow(),
          new LayerRow(),
          new FilesRow(),
          new MappingRow());

  /** Its number in the table. */
  int number();

  /** In a few words. */
  String title();

  /** Room that its files need, those that rows share included. */
  long roomBytes(Scale scale);

  /** Measures. */
  void measure(Site site, Report report) throws IOException, InterruptedException;
}
