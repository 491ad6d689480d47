/** Starts the studio with the engine that is shipped. */

import { engine } from "../engine/index";
import { start } from "./app";

start(document.getElementById("studio")!, engine);
