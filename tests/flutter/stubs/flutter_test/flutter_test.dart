// As much of flutter_test as the example's tests use, for a Dart without Flutter.

import 'dart:convert';

final _tests = <String, dynamic Function()>{};

void test(String name, dynamic Function() body) => _tests[name] = body;

void expect(dynamic actual, dynamic expected, {String? reason}) {
  final fits = expected is Matcher ? expected.fits(actual) : _equal(actual, expected);
  if (!fits) throw 'expected $expected, found $actual (${reason ?? ''})';
}

class Matcher {
  Matcher(this.text, this.fits);
  final String text;
  final bool Function(dynamic) fits;
  @override
  String toString() => text;
}

Matcher closeTo(num value, num delta) =>
    Matcher('$value to $delta', (x) => x is num && (x - value).abs() <= delta);
Matcher contains(String part) => Matcher('with $part', (x) => x is String && x.contains(part));
Matcher greaterThan(num least) => Matcher('above $least', (x) => x is num && x > least);

bool _equal(dynamic a, dynamic b) => switch ((a, b)) {
  (final List<dynamic> a, final List<dynamic> b) =>
    a.length == b.length && a.indexed.every((one) => _equal(one.$2, b[one.$1])),
  (final Map<dynamic, dynamic> a, final Map<dynamic, dynamic> b) =>
    a.length == b.length && a.keys.every((key) => b.containsKey(key) && _equal(a[key], b[key])),
  _ => a == b,
};

/// Runs the tests and prints what each came to, as JSON: name to fault, '' where there is none.
Future<void> runAll() async {
  final faults = <String, String>{};
  for (final MapEntry(key: name, value: body) in _tests.entries) {
    try {
      await body();
      faults[name] = '';
    } catch (error) {
      faults[name] = '$error';
    }
  }
  print(jsonEncode(faults));
}
