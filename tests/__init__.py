# A package, as another one installs its tests under this name, which worker processes would find.
