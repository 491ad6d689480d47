// As much of Flutter's widgets as the example uses: enough for the compiler to check it.

typedef VoidCallback = void Function();

abstract class Widget {
  const Widget({this.key});
  final Key? key;
}

class Key {}

abstract class BuildContext {}

abstract class StatelessWidget extends Widget {
  const StatelessWidget({super.key});
  Widget build(BuildContext context);
}

abstract class StatefulWidget extends Widget {
  const StatefulWidget({super.key});
  State<StatefulWidget> createState();
}

abstract class State<T extends StatefulWidget> {
  bool get mounted => true;
  T get widget => throw UnimplementedError();
  void initState() {}
  void dispose() {}
  void setState(VoidCallback fn) {}
  Widget build(BuildContext context);
}

enum AppLifecycleState { detached, resumed, inactive, hidden, paused }

mixin WidgetsBindingObserver {
  void didChangeAppLifecycleState(AppLifecycleState state) {}
}

abstract class WidgetsBinding {
  static WidgetsBinding get instance => throw UnimplementedError();
  void addObserver(WidgetsBindingObserver observer);
  bool removeObserver(WidgetsBindingObserver observer);
}

void runApp(Widget app) {}

class TextStyle {}

class TextTheme {
  TextStyle? displaySmall, headlineSmall;
}

abstract class ThemeData {
  TextTheme get textTheme;
}

abstract class Theme {
  static ThemeData of(BuildContext context) => throw UnimplementedError();
}

class EdgeInsets {
  const EdgeInsets.all(double value);
}

enum MainAxisSize { min, max }

class MaterialApp extends Widget {
  const MaterialApp({super.key, String? title, Widget? home});
}

class Scaffold extends Widget {
  const Scaffold({super.key, Widget? body});
}

class SafeArea extends Widget {
  const SafeArea({super.key, required Widget child});
}

class Center extends Widget {
  const Center({super.key, Widget? child});
}

class Padding extends Widget {
  const Padding({super.key, required EdgeInsets padding, Widget? child});
}

class Column extends Widget {
  const Column({super.key, MainAxisSize? mainAxisSize, List<Widget>? children});
}

class Expanded extends Widget {
  const Expanded({super.key, required Widget child});
}

class OverflowBar extends Widget {
  const OverflowBar({super.key, List<Widget>? children});
}

class Text extends Widget {
  const Text(String data, {super.key, TextStyle? style});
}

class TextButton extends Widget {
  const TextButton({super.key, required VoidCallback? onPressed, required Widget child});
}

class CircularProgressIndicator extends Widget {
  const CircularProgressIndicator({super.key});
}
