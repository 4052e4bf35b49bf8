/// The families of networks that job files can name.
public enum Families {
  /// One line a family. A program that brings a family of its own puts it here while it runs:
  /// `Families.$all.withValue(Families.all + [MyNet.self]) { … }`.
  @TaskLocal public static var all: [any NetworkFamilySettings.Type] = [
    TUNet.self,
    TUNet3Plus.self,
    MSDNet.self,
    SMSNetFamily.self,
    FCNet.self,
    Autoencoder.self,
    SparseAutoencoder.self,
    SparseLabeler.self,
    Grey2Color.self,
  ]
}
