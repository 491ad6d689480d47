/// A fault that a person can mend: what was found, what was expected, how to mend it.
class Fault implements Exception {
  const Fault({required this.found, required this.expected, required this.fix});

  final String found, expected, fix;

  @override
  String toString() => '$found\n  expected: $expected\n  to fix:   $fix';
}
