import 'dart:async';

/// One item in work at a time; of those that come meanwhile only the newest waits.
class Newest<T> {
  Newest(this._work);

  final Future<void> Function(T) _work;
  T? _waiting;
  bool _busy = false;

  /// Takes an item; completes when nothing is in work any more.
  Future<void> put(T item) async {
    _waiting = item;
    if (_busy) return;
    _busy = true;
    try {
      for (var next = _take(); next != null; next = _take()) {
        await _work(next);
      }
    } finally {
      _busy = false;
    }
  }

  T? _take() {
    final next = _waiting;
    _waiting = null;
    return next;
  }
}
