// swift-tools-version: 6.1
import PackageDescription

// One target a module; a module imports only from floors below its own (Sources/README.md draws the house).

/// A module of the house with its test target. `imports` are the modules below that it may use.
func module(
  _ name: String, imports: [Target.Dependency] = [], tests: [Target.Dependency] = []
) -> [Target] {
  [
    .target(name: name, dependencies: imports, exclude: ["README.md"]),
    .testTarget(
      name: "\(name)Tests",
      dependencies: [.byName(name: name), "TestSupport"] + tests,
      path: "Tests/\(name)Tests"),
  ]
}

/// A C library of the system, found by `pkg-config`.
func library(_ name: String, pkgConfig: String, debian: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([debian])])
}

let package = Package(
  name: "tutti",
  products: [
    .executable(name: "tutti", targets: ["tutti"]),
    .library(
      name: "Tutti",
      targets: [
        "Settings", "Host", "MessagePassing", "HDF5", "ImageFiles", "Networks", "Engine", "Training", "Uncertainty",
        "Imaging", "Ensembles", "Reports", "JobFiles", "Pipeline", "Benchmarking",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
  ],
  targets: [
    // Floor -1: C
    library("CMPI", pkgConfig: "ompi-c", debian: "libopenmpi-dev"),
    library("CHDF5", pkgConfig: "hdf5-openmpi", debian: "libhdf5-openmpi-dev"),
    library("COpenBLAS", pkgConfig: "openblas", debian: "libopenblas-dev"),
    library("CTIFF", pkgConfig: "libtiff-4", debian: "libtiff-dev"),
    library("CPNG", pkgConfig: "libpng", debian: "libpng-dev"),
    library("CZlib", pkgConfig: "zlib", debian: "zlib1g-dev"),
    // Optional: without them, what is packed with them cannot be read.
    library("CBlosc", pkgConfig: "blosc", debian: "libblosc-dev"),
    library("CZstd", pkgConfig: "libzstd", debian: "libzstd-dev"),
    .target(
      name: "CImageCodecs", dependencies: ["CTIFF", "CPNG", "CZlib", "CBlosc", "CZstd"],
      cSettings: [.define("_GNU_SOURCE")]),
    .target(
      name: "CKernels",
      exclude: ["README.md"],
      cSettings: [
        .headerSearchPath("."),
        .define("NDEBUG", .when(configuration: .release)),
      ]),
    .target(name: "CHDF5Driver", dependencies: ["CHDF5"]),
    .testTarget(name: "CKernelsTests", dependencies: ["CKernels", "Host", "TestSupport"]),
    .target(name: "CTestSupport", path: "Tests/CTestSupport"),
    .target(
      name: "TestSupport", dependencies: ["CTestSupport", "HDF5", "MessagePassing", "Networks", "Host"],
      path: "Tests/TestSupport"),
  ]
    // Floor 0
    + module("Host", imports: ["COpenBLAS", "CKernels"])
    + module("MessagePassing", imports: ["CMPI"])
    + module("Settings")
    // Floor 1
    + module("HDF5", imports: ["CHDF5", "CHDF5Driver", "CZlib", "MessagePassing", "Host", "Settings"])
    + module("Networks", imports: ["Host", "Settings"])
    // Floor 2
    + module("ImageFiles", imports: ["CImageCodecs", "HDF5", "Host"])
    + module("Engine", imports: ["Networks", "Host", "CKernels"], tests: ["Networks", "Host"])
    // Floor 3
    + module(
      "Training", imports: ["Engine", "Networks", "Host", "Settings", "CKernels"],
      tests: ["Engine", "Networks", "Host"])
    + module("Uncertainty", imports: ["Host", "MessagePassing", "Settings", "CKernels"])
    + module("Imaging", imports: ["ImageFiles", "HDF5", "Host", "Settings"])
    // Floor 4
    + module(
      "Ensembles",
      imports: [
        "Training", "Engine", "Networks", "Imaging", "ImageFiles", "Uncertainty", "HDF5", "MessagePassing", "Host",
        "CKernels",
      ])
    + module(
      "Reports", imports: ["Training", "Networks", "Host", .product(name: "Mustache", package: "swift-mustache")])
    // Floor 5
    + module(
      "JobFiles",
      imports: [
        "Ensembles", "Training", "Engine", "Networks", "Imaging", "ImageFiles", "Uncertainty", "Host", "Settings",
        .product(name: "Yams", package: "Yams"),
      ])
    + module(
      "Benchmarking",
      imports: [
        "Ensembles", "Training", "Engine", "Networks", "Imaging", "ImageFiles", "Uncertainty", "HDF5", "MessagePassing",
        "Host", "CKernels",
      ],
      tests: ["Networks", "CKernels", "Host"])
    // Floor 6
    + module(
      "Pipeline",
      imports: [
        "JobFiles", "Ensembles", "Reports", "Training", "Engine", "Networks", "Imaging", "ImageFiles", "Uncertainty",
        "HDF5", "MessagePassing", "Host", "Settings",
      ])
    // Floor 7
    + [
      .executableTarget(
        name: "tutti",
        dependencies: [
          "Pipeline", "JobFiles", "Benchmarking", "Ensembles", "Imaging", "ImageFiles", "Networks", "HDF5",
          "MessagePassing", "Host", "Settings",
          .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        exclude: ["README.md"]),
      .testTarget(name: "tuttiTests", dependencies: ["tutti", "TestSupport"], path: "Tests/tuttiTests"),
    ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)
