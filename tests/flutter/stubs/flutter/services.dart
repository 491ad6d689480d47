// As much of Flutter's services as the example uses: enough for the compiler to check it.

import 'dart:typed_data';

enum DeviceOrientation { portraitUp, landscapeLeft, portraitDown, landscapeRight }

abstract class AssetBundle {
  Future<ByteData> load(String key);
  Future<String> loadString(String key, {bool cache = true});
}

late final AssetBundle rootBundle;
