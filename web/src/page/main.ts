/** Starts the studio with the engine that is shipped. */

import { engine } from "../engine/index";
import { start } from "./app";

// In a task of its own: the parser would lay out the page in the one that runs this script.
setTimeout(() => start(document.getElementById("studio")!, engine));
