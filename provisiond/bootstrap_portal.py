"""The one place where the portal's parts are put together: settings in, a `Desk` out."""
