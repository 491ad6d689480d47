import 'dart:math';

class _Gathered {
  _Gathered(this.label, this.startS);

  final int label;
  final double startS;
  double evidenceS = 0, surest = 0, seconds = 0;

  void grow(double p, double dt) {
    surest = max(surest, p);
    seconds += dt;
  }
}

/// Writes text from frames: the rules `evidence` of `fingerspell.live`, without the place of the hand.
///
/// Every label gathers seconds of evidence, and a sign counts when there is enough of it.
class Speller {
  Speller(this.labels);

  static const leastFrames = 2, maxChars = 1000;
  static const share = 0.3, openProbability = 0.97, leastP = 1e-9, moving = 0.14;
  static const needS = 0.15, openNeedS = 0.25, releaseS = 0.15, frameS = 0.25;
  static const vouchS = 1.5, idleS = 3.0, gapS = 3.0;
  static const vouched = 'D';
  static const nearS = 0.08, apartS = 0.5, restFactor = 2.0, roundingS = 1e-6;
  static const aboveCalm = 1.3, mostCalm = 0.2, calmPerS = 0.005;

  final List<String> labels;
  final _gathered = <int, _Gathered>{};
  final _signs = <String>[]; // what each sign typed
  List<double>? _first; // waits for a second frame
  bool _started = false, _doubled = false, _moved = true, _rested = true;
  _Gathered? _locked; // came last, and not released since
  _Gathered? _waiting; // a first letter
  int? _stirred; // released by a bounce
  double _calm = double.infinity; // the motion of the calmest frame of late
  double _atS = 0, _awayS = 0, _openS = double.negativeInfinity, _waitsS = double.negativeInfinity;

  String get text => _signs.join();

  /// The letter on its way, or else the one that still holds.
  String? get shown {
    var rising = needS / 2;
    int? label = _awayS <= releaseS / 2 ? _locked?.label : null;
    for (final one in _gathered.values) {
      if (one.evidenceS < rising) continue;
      rising = one.evidenceS;
      label = one.label;
    }
    return label == null ? null : labels[label];
  }

  /// Types `space` or `del` as a key does: what the hand holds is not typed again.
  void press(String label) => _type(label);

  /// Empties the text; what the hand holds is not typed again.
  void clear() => _signs.clear();

  /// Takes the probabilities of one frame, [elapsedS] seconds after the one before, and how much the
  /// picture changed since (`motion`).
  void add(List<double> probabilities, double elapsedS, {double? motion}) {
    final beforeS = _atS;
    _atS += elapsedS;
    if (!_started || elapsedS > gapS) {
      _lock(null);
      _calm = double.infinity;
      _started = true;
      _first = probabilities;
      return;
    }
    final first = _first;
    _first = null;
    // The first frame of a stream stands for as long as the second.
    if (first != null) _fold(first, elapsedS, beforeS, null);
    _fold(probabilities, elapsedS, _atS, motion);
  }

  void _fold(List<double> probabilities, double elapsedS, double atS, double? motion) {
    _calm = min(_calm + calmPerS * elapsedS, (motion ?? 0) > 0 ? motion! : double.infinity);
    final still = max(moving * max(1.0, elapsedS / nearS), min(aboveCalm * _calm, mostCalm));
    final moves = motion != null && elapsedS <= apartS && motion > still;
    _release(probabilities, elapsedS, moves);
    _moved = _moved || moves || motion == null;
    final locked = _locked;
    if (locked != null && locked == _waiting) {
      if (_opens(locked)) return _count(locked, atS);
      _waitsS = atS + vouchS;
    }
    _Gathered? best;
    for (var label = 0; label < labels.length; label++) {
      final p = moves && elapsedS <= nearS && !'JZ'.contains(labels[label]) ? 0.0 : probabilities[label];
      final quiet = probabilities[label] <= share && !_gathered.containsKey(label);
      if (quiet || label == locked?.label || labels[label] == 'nothing') continue;
      final one = _gathered.putIfAbsent(label, () => _Gathered(label, atS));
      final waits = _isLetter(one) || one.startS <= _openS;
      final need = (waits ? needS : max(needS, openNeedS)) * (_moved ? 1 : restFactor);
      final gain = _within(min(elapsedS, frameS) * _rate(p), need / leastFrames);
      one.evidenceS += gain;
      if (gain > 0) one.grow(p, min(elapsedS, frameS));
      if (one.evidenceS <= roundingS) _gathered.remove(label);
      final done = one.evidenceS >= need - roundingS;
      if (done && one.evidenceS > (best?.evidenceS ?? 0)) best = one;
    }
    if (best == null) return;
    _rested = !moves;
    if (_opens(best) || best.startS <= _openS || _vouches(best, atS)) return _count(best, atS);
    _gathered.clear();
    _locked = _waiting = best;
    _awayS = 0;
    _waitsS = atS + vouchS;
  }

  bool _isLetter(_Gathered one) => labels[one.label] != 'space' && labels[one.label] != 'del';

  /// Whether [one] is certain enough to open a word alone.
  bool _opens(_Gathered one) {
    final sure = one.surest >= openProbability && one.seconds >= max(needS, openNeedS) - roundingS;
    return !_isLetter(one) || (sure && !vouched.contains(labels[one.label]));
  }

  /// Whether a first letter waits for [one].
  bool _vouches(_Gathered one, double atS) =>
      _waiting != null && _waiting!.label != one.label && atS <= _waitsS;

  void _count(_Gathered one, double atS) {
    if (_isLetter(one) && _vouches(one, atS)) _type(labels[_waiting!.label]);
    _type(labels[one.label]);
    final doubled = _stirred == one.label;
    _lock(one);
    _doubled = doubled;
    _moved = false;
    if (_isLetter(one)) _openS = atS + idleS;
  }

  void _lock(_Gathered? one) {
    _gathered.clear();
    _locked = one;
    _waiting = null;
    _stirred = null;
    _doubled = false;
    _moved = true;
    _awayS = 0;
    _openS = double.negativeInfinity;
  }

  void _release(List<double> probabilities, double elapsedS, bool moves) {
    final one = _locked;
    if (one == null) return;
    final p = probabilities[one.label], before = _awayS;
    final rests = !moves || 'JZ'.contains(labels[one.label]);
    if (p > share && rests) one.grow(p, min(elapsedS, frameS));
    final stirs = moves && !'JZ'.contains(labels[one.label]) && !_doubled && _rested;
    _rested = _rested || !moves;
    final gone = stirs ? -log(share) : -_rate(p);
    final away = max(0.0, before + _within(min(elapsedS, frameS) * gone, releaseS / leastFrames));
    _awayS = min(away, releaseS);
    // A hand that only moves comes to rest first.
    if (moves || max(away, before) < releaseS - roundingS) return;
    _locked = null;
    _awayS = 0;
    _stirred = p > share ? one.label : null;
    _doubled = false;
  }

  double _rate(double p) => max(-1.0, min(log(max(p, leastP) / share), -log(share)));

  double _within(double seconds, double most) => max(-most, min(seconds, most));

  void _type(String label) {
    if (label == 'del') {
      if (_signs.isNotEmpty) _signs.removeLast();
      return;
    }
    final addition = label == 'space' ? ' ' : label;
    if (label == 'space' && (_signs.isEmpty || _signs.last == ' ')) return;
    if (text.length + addition.length <= maxChars) _signs.add(addition);
  }
}
